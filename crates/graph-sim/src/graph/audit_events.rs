//! `/deviceManagement/auditEvents` and `/auditLogs/directoryAudits`.

use serde_json::Value;

use super::odata::Query;
use super::{GraphRequest, errors, rows_page};
use crate::answer::Answer;

/// Rows of a page; `$top` makes it no larger.
const PAGE: usize = 1_000;

/// A page of events, the latest first unless the request asks for another order.
pub(crate) fn answer(request: &GraphRequest<'_>, mut rows: Vec<Value>, ordered: bool) -> Answer {
    let answered = Query::parse_ordered(request.query, request.ids).and_then(|query| {
        let order = query.order_by.as_deref();
        let by_time = order.map(|order| order.trim().trim_start_matches("activityDateTime").trim());
        match by_time {
            None | Some("desc") => {}
            Some("" | "asc") if ordered => rows.reverse(),
            Some("" | "asc") => {}
            Some(_) => {
                let message = "Only ordering by activityDateTime is supported.";
                return Err(errors::bad_request(message, request.ids).into());
            }
        }
        let path = request.path.trim_start_matches('/');
        let (version, path) = path.split_once('/').unwrap_or_default();
        let context = format!("https://graph.microsoft.com/{version}/$metadata#{path}");
        rows_page(request, &query, context, PAGE, rows)
    });
    answered.unwrap_or_else(|refusal| *refusal)
}
