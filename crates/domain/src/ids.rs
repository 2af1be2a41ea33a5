//! Identifiers. Each is a type of its own, so that one cannot stand in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{Clock, Entropy};

/// Makes a time-ordered identifier (UUID version 7, RFC 9562 section 5.7).
#[must_use]
pub fn mint_uuid(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let millis = u64::try_from(clock.now().timestamp_millis()).unwrap_or(0);
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new, time-ordered identifier.
            #[must_use]
            pub fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                Self(mint_uuid(clock, entropy))
            }

            /// Takes an identifier that is already known, as read from a row or a path.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare value, for a row or a message.
            #[must_use]
            pub const fn into_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )+};
}

uuid_ids! {
    /// A tenant, by the identifier that TenantAtlas gave it.
    TenantId;
    /// A tenant, by the identifier that Microsoft Entra gave its directory.
    DirectoryId;
    /// A user of TenantAtlas.
    UserId;
    /// An API token; not the secret.
    TokenId;
    /// An operation run.
    RunId;
    /// A stored inventory item.
    ItemId;
    /// A stored link of an inventory item.
    LinkId;
    /// A recorded change of an inventory item.
    ChangeId;
    /// A group of a directory, by the identifier that Microsoft Entra gave it.
    GroupId;
    /// A notification.
    NotificationId;
    /// An entry of the audit log.
    AuditEventId;
    /// An event of the log.
    EventId;
    /// The endpoint of a webhook.
    WebhookId;
    /// An attempt of a delivery to an endpoint, or its place in the delivery log.
    DeliveryId;
    /// A request to the API, from its first log line to its answer.
    RequestId;
    /// The proof that a worker holds a run: made at each claim, compared at each write.
    LeaseToken;
}

/// A worker process. Never used twice: it carries the host and a value made at start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(String);

impl WorkerId {
    /// Names the process that starts now on `host`.
    #[must_use]
    pub fn mint(host: &str, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self(format!("{host}-{}", mint_uuid(clock, entropy).simple()))
    }

    /// Takes a name that is already known, as read from a row.
    #[must_use]
    pub const fn from_name(name: String) -> Self {
        Self(name)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
