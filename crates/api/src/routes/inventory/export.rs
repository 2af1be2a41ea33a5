//! Everything that is known of a tenant's items, in one stream.

use std::collections::VecDeque;
use std::time::Instant;

use actix_web::http::header;
use actix_web::middleware::Compress;
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse, get, web};
use atlas_domain::access::api_token::TokenHash;
use atlas_domain::ids::{TenantId, UserId};
use atlas_store::{ExportFilter, ExportKey, StoreError, TokenLookup};
use chrono::{DateTime, Utc};
use futures::stream;
use utoipa::IntoResponses;

use crate::extract::actor::presented;
use crate::extract::query::{PolicyTypeWord, QueryReader, past_moment, policy_type};
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::under_way::{EXPORTS, OneUnderWay};
use crate::wire::export::{ExportHeader, ExportLine};
use crate::wire::inventory::example::export as example;

/// Newline-delimited JSON.
const NDJSON: &str = "application/x-ndjson";
/// Policy types that may be named at most.
const MAX_TYPES: usize = 200;
/// Bytes that are handed to the connection at once, about.
const CHUNK: usize = 64 << 10;
/// After how many seconds to ask again when too many exports are under way.
const RETRY_AFTER: u64 = 30;

/// The refusal of an export beside others of the same caller.
struct ExportRefusals;

impl IntoResponses for ExportRefusals {
    fn responses() -> Responses {
        refusals([Refusal::new(
            "TooManyExports",
            "Too many exports of yours are under way, or the quota is exhausted.",
        )
        .with(too_many())])
    }
}

fn too_many() -> Problem {
    let detail = format!("{EXPORTS} exports of yours are under way, and there may be no more.");
    Problem::new(ProblemKind::TooManyExports, detail).retry_after(RETRY_AFTER)
}

/// Export the inventory
///
/// Streams all items that exist, or existed at an earlier time, by policy type and external identifier,
/// with what they contain: one JSON object a line. The member `line` of the first is `header`, with
/// `format_version`, `tenant_id`, `tenant_name`, `exported_at`, and `as_of` and `policy_types` if they
/// were given. Each further one is an `item`, with the members of an inventory item, its `version`,
/// `content` and `assignments` as `GET …/content` returns them, and its `links`, which are absent with
/// `as_of`. The last is `end`, with `item_count`: an export without it is not complete. It is missing
/// if the database failed, and if your access to the tenant ended meanwhile. Items that syncs change
/// meanwhile are exported as they are when their turn comes. Versions that are older than the
/// installation keeps are not exported.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "as_of" = Option<chrono::DateTime<chrono::Utc>>, Query,
            description = "What was known at this time, which is not in the future. Without it: what is known now.",
            example = "2026-05-01T00:00:00Z",
        ),
        (
            "policy_type" = inline(Option<Vec<PolicyTypeWord>>), Query,
            description = "Only items of these policy types, by key.",
            max_items = 200, example = json!(["mobileApp"]),
        ),
    ),
    responses(
        (
            status = 200,
            description = "The lines. Compressed if `Accept-Encoding` permits it.",
            body = String,
            content_type = "application/x-ndjson",
            headers(("Content-Disposition")),
            example = example,
        ),
        ExportRefusals,
    ),
)]
#[get("/tenants/{tenant_id}/inventory-export", wrap = "Compress::default()")]
pub(crate) async fn export_inventory(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let as_of = query.one("as_of", past_moment(now));
    let policy_types = query.many("policy_type", MAX_TYPES, policy_type);
    query.finish()?;
    let (tenant, user) = (scope.tenant_id(), scope.user_id());
    let found = state.store.tenant_of(tenant, user).await?;
    let name = found.ok_or_else(Problem::not_found)?.name;
    let under_way = state.exports.begin(user).ok_or_else(too_many)?;
    let mut export = Export {
        tenant,
        user,
        token: presented(&request)?,
        filter: ExportFilter::new(policy_types.clone(), as_of),
        rest: Rest::Beginning,
        chunks: VecDeque::new(),
        unsent: Vec::new(),
        item_count: 0,
        checked: Instant::now(),
        state,
        _under_way: under_way,
    };
    let file = file_name(tenant, as_of.unwrap_or(now));
    let header = ExportHeader::new(tenant, name, now, as_of, policy_types);
    export.write(&ExportLine::Header(header))?;
    // So that a database that does not answer is a refusal and no stream that ends.
    export.read().await?;
    let disposition = format!("attachment; filename=\"{file}\"");
    Ok(HttpResponse::Ok()
        .content_type(NDJSON)
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .streaming(stream::unfold(export, Export::next)))
}

fn file_name(tenant: TenantId, time: DateTime<Utc>) -> String {
    format!(
        "inventory-{tenant}-{}.ndjson",
        time.format("%Y%m%dT%H%M%SZ")
    )
}

/// What has not been read yet.
enum Rest {
    Beginning,
    After(ExportKey),
    Nothing,
}

/// An export under way: what was read and is not sent yet, and where to read on. It holds no connection
/// to the database while it waits for its caller.
struct Export {
    state: web::Data<AppState>,
    tenant: TenantId,
    user: UserId,
    token: TokenHash,
    filter: ExportFilter,
    rest: Rest,
    chunks: VecDeque<Bytes>,
    /// Lines for the next chunk.
    unsent: Vec<u8>,
    item_count: u64,
    /// When the caller's access was last checked.
    checked: Instant,
    _under_way: OneUnderWay,
}

impl Export {
    /// The next bytes; nothing after the last line, and when the caller's access has ended.
    async fn next(mut self) -> Option<(Result<Bytes, Error>, Self)> {
        match self.chunk().await {
            Ok(chunk) => Some((Ok(chunk?), self)),
            Err(problem) => {
                let cause = problem.causes();
                tracing::error!(tenant = %self.tenant, cause, "an export ends before its end");
                self.rest = Rest::Nothing;
                self.chunks.clear();
                Some((Err(problem.into()), self))
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if self.chunks.is_empty() && matches!(self.rest, Rest::Nothing) {
                return Ok(None);
            }
            if self.checked.elapsed() >= self.state.export_check_interval {
                if !self.has_access().await? {
                    let (tenant, user) = (self.tenant, self.user);
                    tracing::info!(%tenant, %user, "an export ends: its caller has no access");
                    return Ok(None);
                }
                self.checked = Instant::now();
            }
            if let Some(chunk) = self.chunks.pop_front() {
                return Ok(Some(chunk));
            }
            self.read().await?;
        }
    }

    /// Reads a page, and writes the last line after the last one.
    async fn read(&mut self) -> Result<(), Problem> {
        let from = match &self.rest {
            Rest::Beginning => None,
            Rest::After(key) => Some(key),
            Rest::Nothing => return Ok(()),
        };
        let page = self
            .state
            .store
            .export_page(self.tenant, &self.filter, from);
        let page = page.await?;
        for item in page.items {
            self.write(&ExportLine::Item(Box::new(item.into())))?;
            self.item_count += 1;
        }
        self.rest = match page.next {
            Some(key) => Rest::After(key),
            None => {
                self.write(&ExportLine::End {
                    item_count: self.item_count,
                })?;
                Rest::Nothing
            }
        };
        self.cut();
        Ok(())
    }

    fn write(&mut self, line: &ExportLine) -> Result<(), Problem> {
        let text = line.to_text();
        let text = text.map_err(|error| Problem::internal().because(error))?;
        self.unsent.extend(text);
        if self.unsent.len() >= CHUNK {
            self.cut();
        }
        Ok(())
    }

    fn cut(&mut self) {
        if !self.unsent.is_empty() {
            let chunk = std::mem::take(&mut self.unsent);
            self.chunks.push_back(chunk.into());
        }
    }

    /// Whether the token is valid and its user belongs to the tenant.
    async fn has_access(&self) -> Result<bool, StoreError> {
        let store = &self.state.store;
        let token = store.principal_by_token(&self.token).await?;
        if !matches!(token, TokenLookup::Active(_)) {
            return Ok(false);
        }
        let membership = store.membership(self.tenant, self.user).await?;
        Ok(membership.is_some())
    }
}
