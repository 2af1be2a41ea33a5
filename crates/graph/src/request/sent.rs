//! A request that was sent, as a support case names it.

use atlas_domain::failure::UpstreamAnswer;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::request::refusal::{self, Described};

/// Longer paths are cut.
const LONGEST_PATH: usize = 500;

/// What is known of a request before its answer comes.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    path: String,
    client_request_id: String,
}

impl Sent {
    /// A request for `path`, which has no query.
    pub(crate) fn to(path: &str, client_request_id: String) -> Self {
        Self {
            path: path.chars().take(LONGEST_PATH).collect(),
            client_request_id,
        }
    }

    /// Part of a batch that was sent as this request. `url` is relative to the version's root.
    pub(crate) fn part(&self, url: &str) -> Self {
        let root = self.path.trim_end_matches("/$batch");
        let path = url.split('?').next().unwrap_or_default();
        Self::to(&format!("{root}{path}"), self.client_request_id.clone())
    }

    pub(crate) fn client_request_id(&self) -> &str {
        &self.client_request_id
    }

    /// The answer with these headers, at `at`.
    pub(crate) fn answered(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        at: DateTime<Utc>,
    ) -> UpstreamAnswer {
        UpstreamAnswer {
            status: Some(status.as_u16()),
            request_id: refusal::request_id(headers),
            ..self.unanswered(at)
        }
    }

    /// As [`Self::answered`], with what its body said of an error.
    pub(crate) fn refused(
        &self,
        status: StatusCode,
        described: Described,
        at: DateTime<Utc>,
    ) -> UpstreamAnswer {
        UpstreamAnswer {
            status: Some(status.as_u16()),
            error_code: described.code,
            request_id: described.request_id,
            ..self.unanswered(at)
        }
    }

    /// No answer until `at`.
    pub(crate) fn unanswered(&self, at: DateTime<Utc>) -> UpstreamAnswer {
        UpstreamAnswer {
            status: None,
            error_code: None,
            request_id: None,
            client_request_id: Some(self.client_request_id.clone()),
            at,
            path: self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_batch_is_named_by_its_own_path_without_the_query() {
        let sent = Sent::to("/beta/$batch", "c".to_owned());
        let part = sent.part("/deviceManagement/intents/1/assignments?$top=5");
        let answer = part.unanswered(DateTime::UNIX_EPOCH);
        assert_eq!(answer.path, "/beta/deviceManagement/intents/1/assignments");
        assert_eq!(answer.client_request_id.as_deref(), Some("c"));
    }

    #[test]
    fn a_long_path_is_cut() {
        let sent = Sent::to(&"é".repeat(2_000), String::new());
        assert_eq!(sent.path.chars().count(), LONGEST_PATH);
    }
}
