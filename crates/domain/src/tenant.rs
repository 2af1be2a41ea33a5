//! A managed tenant and how Microsoft Graph is reached for it.

mod credential;

pub use credential::{
    CredentialFile, CredentialKind, ENDING_WITHIN, Expiry, MalformedFileName, StoredProof,
};

use crate::words::words;

words! {
    /// The Microsoft cloud that a directory lives in. Tokens of one are not valid in another.
    /// Addresses: Microsoft Graph documentation, "National cloud deployments".
    #[derive(Default)]
    pub enum Cloud: "cloud" {
        /// Worldwide, GCC included.
        #[default]
        Global = "global",
        /// US Government L4 (GCC High).
        UsGovernment = "us_government",
        /// US Government L5 (DoD).
        UsGovernmentDod = "us_government_dod",
        /// China, operated by 21Vianet.
        China = "china",
    }
}

impl Cloud {
    /// Where tokens come from, without a trailing slash.
    #[must_use]
    pub const fn login_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGovernment | Self::UsGovernmentDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// The root of Microsoft Graph, without version and trailing slash.
    #[must_use]
    pub const fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGovernment => "https://graph.microsoft.us",
            Self::UsGovernmentDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}
