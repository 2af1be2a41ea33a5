//! Which requests a rule is for.

use serde::{Deserialize, Serialize};

/// Which paths a rule is for. Paths begin with the version (`/beta/deviceManagement`) or, at a
/// token endpoint, with the directory id. The query plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatch {
    /// This path.
    Exact(String),
    /// This path and all under it. `/` is every path.
    Prefix(String),
    /// Paths that end like this, such as `/oauth2/v2.0/token`.
    Suffix(String),
}

impl PathMatch {
    /// This path.
    #[must_use]
    pub fn exact(path: &str) -> Self {
        Self::Exact(path.to_owned())
    }

    /// This path and all under it.
    #[must_use]
    pub fn prefix(path: &str) -> Self {
        Self::Prefix(path.to_owned())
    }

    /// Every token endpoint.
    #[must_use]
    pub fn token_endpoint() -> Self {
        Self::Suffix("/oauth2/v2.0/token".to_owned())
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Suffix(suffix) => path.ends_with(suffix.as_str()),
        }
    }
}
