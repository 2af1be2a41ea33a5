//! Taking a response body apart.
//!
//! A page's rows are cut out of the body as text first and read one at a time, so that a page of a
//! thousand large policies is never in memory as a tree.

use atlas_domain::policy_types::PolicyTypeKey;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::enrich::Sighting;
use crate::observe::{Seen, Setting, observe};
use crate::plan::ListPlan;

/// A page, as far as it concerns the inventory.
#[derive(Debug, Default)]
pub(crate) struct PageRead {
    pub(crate) sightings: Vec<Sighting>,
    /// Policy types that took a row of a kind that is not known, once for each row.
    pub(crate) unknown: Vec<PolicyTypeKey>,
    /// All rows of the page, also those that no wanted policy type claims.
    pub(crate) rows: u64,
    pub(crate) next: Option<String>,
}

/// The ids on a page of a parent collection.
#[derive(Debug)]
pub(crate) struct ParentsRead {
    pub(crate) ids: Vec<String>,
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
}

const NO_PAGE: &str = "it is not a page of JSON";

impl PageRead {
    fn take(&mut self, row: Seen) {
        if row.unknown {
            self.unknown.push(row.sighting.observation.policy_type);
        }
        self.sightings.push(row.sighting);
    }
}

/// Reads a page of a list.
pub(crate) fn list(
    plan: &ListPlan,
    setting: Setting<'_>,
    body: &[u8],
) -> Result<PageRead, &'static str> {
    let page: Envelope<&RawValue> = serde_json::from_slice(body).map_err(|_| NO_PAGE)?;
    let mut read = PageRead {
        rows: u64::try_from(page.value.len()).unwrap_or(u64::MAX),
        next: page.next,
        ..PageRead::default()
    };
    for row in &page.value {
        if let Some(seen) = observe(plan, setting, row.get())? {
            read.take(seen);
        }
    }
    Ok(read)
}

/// Reads a singleton: the body is the one row.
pub(crate) fn singleton(plan: &ListPlan, body: &[u8]) -> Result<PageRead, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not text")?;
    let mut read = PageRead {
        rows: 1,
        ..PageRead::default()
    };
    if let Some(seen) = observe(plan, Setting::default(), text)? {
        read.take(seen);
    }
    Ok(read)
}

/// Gives each row of a page to `take`, one at a time.
pub(crate) fn each(body: &[u8], take: &mut impl FnMut(Value)) -> Result<(), &'static str> {
    let page: Envelope<&RawValue> = serde_json::from_slice(body).map_err(|_| NO_PAGE)?;
    for row in &page.value {
        take(serde_json::from_str(row.get()).map_err(|_| "a row is not JSON that can be read")?);
    }
    Ok(())
}

/// Reads the ids of a parent collection.
pub(crate) fn parents(body: &[u8]) -> Result<ParentsRead, &'static str> {
    #[derive(Deserialize)]
    struct Parent {
        id: String,
    }

    let page: Envelope<Parent> = serde_json::from_slice(body).map_err(|_| NO_PAGE)?;
    Ok(ParentsRead {
        ids: page.value.into_iter().map(|parent| parent.id).collect(),
        next: page.next,
    })
}

#[cfg(test)]
mod tests {
    use atlas_domain::policy_types::registry;

    use super::*;
    use crate::plan::plan;

    fn tags(body: &str) -> Result<PageRead, &'static str> {
        let plan = plan(&[registry().find("roleScopeTag").unwrap()], true);
        list(&plan.lists[0], Setting::default(), body.as_bytes())
    }

    #[test]
    fn rows_and_the_next_link_are_found_and_the_count_is_no_end_test() {
        let page = tags(
            r#"{"@odata.context": "c", "@odata.count": 1, "@microsoft.graph.tips": "t",
                "@odata.nextLink": "https://x/%255B", "value": [{"id": "0", "displayName": "Default"}]}"#,
        )
        .unwrap();
        assert_eq!((page.rows, page.sightings.len()), (1, 1));
        assert_eq!(page.next.as_deref(), Some("https://x/%255B"));
    }

    #[test]
    fn an_empty_page_is_a_page_and_everything_else_is_not() {
        let page = tags(r#"{"value": [], "@odata.nextLink": null}"#).unwrap();
        assert_eq!((page.rows, page.next), (0, None));
        for body in [
            "",
            "<html></html>",
            "{}",
            r#"{"value": {}}"#,
            r#"{"value": null}"#,
            r#"{"value": [{"id": "0"}"#,
            r#"{"value": ["0"]}"#,
            r#"{"value": [{"displayName": "no id"}]}"#,
            r#"{"value": [{"id": ""}]}"#,
            r#"{"value": [{"id": 7}]}"#,
        ] {
            assert!(tags(body).is_err(), "{body}");
        }
        let deep = format!(
            r#"{{"value": [{{"id": "0", "x": {}}}]}}"#,
            "[".repeat(100_000)
        );
        assert!(tags(&deep).is_err());
        let deep = format!(
            r#"{{"value": [{{"id": "0", "x": {}{}}}]}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        assert!(tags(&deep).is_err());
    }
}
