//! Pausing a kind of runs, and resuming it.

use actix_web::{HttpRequest, post, web};
use atlas_domain::run::OperationKind;
use atlas_store::QueueOperator;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::body::JsonBody;
use crate::extract::operator::{Operator, OperatorsOnly};
use crate::extract::path::path_word;
use crate::extract::query::QueryReader;
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::system::QueueControl;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Why the queue is paused. The member and the body itself are optional.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = PauseRequest)]
pub(crate) struct PauseBody {
    /// The reason, for those who wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$"
    )]
    reason: Option<String>,
}

impl Example for PauseBody {
    fn example() -> Self {
        Self {
            reason: Some("Microsoft Graph is being upgraded.".to_owned()),
        }
    }
}

/// Pause a queue
///
/// Workers take up no further runs of the kind, in all tenants, until it is resumed. Runs that are running
/// go on; new ones are recorded and wait, and the time does not count toward their queue limit. The request
/// is idempotent: a queue that is paused already keeps its reason. Requires the permission
/// `can_operate_installation`.
#[utoipa::path(
    tag = "system",
    request_body(
        content = Option<PauseBody>,
        description = "The reason. Optional.",
        example = PauseBody::example,
    ),
    responses(
        (
            status = 200,
            description = "The queue is paused.",
            body = QueueControl,
            example = QueueControl::paused,
        ),
        OperatorsOnly,
    ),
)]
#[post("/system/queues/{kind}/pause")]
pub(crate) async fn pause_queue(
    operator: Operator,
    request: HttpRequest,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<QueueControl>, Problem> {
    let kind: OperationKind = path_word(&request, "kind")?;
    query.finish()?;
    let PauseBody { reason } = body.read(&["reason"]).await?.unwrap_or_default();
    if reason.as_ref().is_some_and(|reason| !is_acceptable(reason)) {
        let detail = format!("Must be 1 to {MAX_REASON} characters in one line.");
        let problem = FieldProblem::at_pointer("/reason", "invalid_value", detail);
        return Err(Problem::invalid(vec![problem]));
    }
    let by = by(&operator, &context);
    let changed = state.store.pause(kind, by, reason.as_deref()).await?;
    Ok(Answer::ok(QueueControl::new(kind, true, changed)))
}

/// Resume a queue
///
/// Lets workers take up runs of the kind again. The request is idempotent. Requires the permission
/// `can_operate_installation`.
#[utoipa::path(
    tag = "system",
    responses(
        (
            status = 200,
            description = "The queue is not paused.",
            body = QueueControl,
            example = QueueControl::resumed,
        ),
        OperatorsOnly,
    ),
)]
#[post("/system/queues/{kind}/resume")]
pub(crate) async fn resume_queue(
    operator: Operator,
    request: HttpRequest,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<QueueControl>, Problem> {
    let kind: OperationKind = path_word(&request, "kind")?;
    query.finish()?;
    let by = by(&operator, &context);
    let changed = state.store.resume(kind, by).await?;
    Ok(Answer::ok(QueueControl::new(kind, false, changed)))
}

fn by(operator: &Operator, context: &RequestContext) -> QueueOperator {
    let user = operator.principal();
    QueueOperator::User {
        id: user.user_id,
        name: user.display_name.clone(),
        request_id: context.id,
        origin: context.origin.clone(),
    }
}

fn is_acceptable(reason: &str) -> bool {
    let length = reason.chars().count();
    (1..=MAX_REASON).contains(&length) && !reason.chars().any(char::is_control)
}
