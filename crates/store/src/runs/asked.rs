//! Starts on their way to a statement, and their answers on the way back.

use atlas_domain::notification::Message;
use atlas_domain::run::OperationKind;
use atlas_domain::run::identity::RunIdentity;
use serde_json::Value;
use uuid::Uuid;

use super::row::RunRow;
use crate::coalescer::Coalescer;
use crate::error::StoreError;
use crate::statement::row;

/// The starts of a process, which share statements.
pub(crate) type SharedStarts = Coalescer<AskedStart, Answer>;

/// A start with what its permit says and all that is derived from it.
#[derive(Debug)]
pub(crate) struct AskedStart {
    pub(super) tenant: Uuid,
    pub(super) initiator: Uuid,
    pub(super) kind: OperationKind,
    pub(super) identity: RunIdentity,
    pub(super) run: Uuid,
    pub(super) inputs: Value,
    pub(super) verify: Option<&'static str>,
    pub(super) retry_of: Option<Uuid>,
    pub(super) priority: i16,
    pub(super) message: Message,
    pub(super) request: Uuid,
    pub(super) request_name: Option<String>,
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
}

row! {
    pub(crate) struct CreatedRow {
        created: bool,
    }
}

/// The run that was recorded or joined; `None` when the start is not permitted.
pub(super) type Admitted = Option<(RunRow, CreatedRow)>;

/// What became of a start among others.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all answers are of the large one"
)]
pub(crate) enum Answer {
    /// The statement's answer.
    Admitted(Result<Admitted, StoreError>),
    /// The statement failed because of one of its starts, perhaps another one.
    Alone(AskedStart),
}
