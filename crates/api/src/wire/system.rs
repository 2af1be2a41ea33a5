//! The API about itself.

use serde::Serialize;
use utoipa::ToSchema;

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(max_length = 16, pattern = "^ok$")]
    pub(crate) status: &'static str,
    /// The version that runs.
    #[schema(max_length = 64)]
    pub(crate) version: &'static str,
}

/// Whether the API is of use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadyReport {
    /// The whole.
    pub(crate) status: ReadyStatus,
    /// Its parts.
    #[schema(max_items = 10)]
    pub(crate) components: Vec<Component>,
}

/// Whether the API is of use, in one word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadyStatus {
    /// Everything works.
    Ready,
    /// Everything can be read; nothing can be started.
    Degraded,
}

/// A part that the API needs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Component {
    /// `database` or `queue`.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    pub(crate) name: &'static str,
    /// Whether it works.
    pub(crate) up: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub(crate) detail: Option<String>,
}
