//! PostgreSQL: the only crate that knows diesel. Every function is one short transaction, most are
//! one statement and one round trip; none is open across a network call to anybody else.
//!
//! | module | subject |
//! | --- | --- |
//! | [`access`] | who a token belongs to, and where that user is a member |
//! | [`admin`] | what the command line does to an installation |
//! | [`audit`] | the audit log |
//! | [`directory_groups`] | groups of tenants' directories: written by syncs, found by name |
//! | [`events`] | the log of events |
//! | [`inventory`] | what syncs write and screens read of tenants' policies |
//! | [`notifications`] | notifications of initiators |
//! | [`runs`] | admission, claims, leases, ends and sweeps of operation runs |
//! | [`schedules`] | when tenants are synced by themselves |
//! | [`system`] | workers, queues and retention of the installation |
//! | [`tenants`] | tenants as their members see them |
//! | [`webhooks`] | endpoints that events are delivered to, and their delivery log |
//!
//! Statements are files with bound values (`statement.rs`), or are composed by diesel's builder
//! (`reads.rs`). The status that a transition may leave is taken from the domain's table. Only the
//! database's clock decides when something is due.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod admin;
pub mod audit;
mod coalescer;
mod connection;
pub mod directory_groups;
mod error;
pub mod events;
#[cfg(test)]
mod explain;
mod first_of_each;
mod fitness;
mod functions;
mod halving;
pub mod inventory;
mod keyset;
mod migrations;
pub mod notifications;
mod open_reads;
mod page;
mod pattern;
mod pool;
mod reads;
pub mod runs;
pub mod schedules;
mod schema;
#[cfg(test)]
mod schema_file;
mod statement;
pub mod system;
pub mod tenants;
pub mod webhooks;
mod within;

pub use access::{Principal, StandingQuestion, TokenLookup};
pub use admin::{
    AccessChangeError, Erased, MemberRow, NewCredential, NewTenant, StoredCredential, TenantChange,
    TenantRow, TokenRow, UserRow, UserSummary, WebhookSecrets,
};
pub use audit::{AuditEntry, AuditEventView, AuditFilter, NewAuditEvent, Origin};
pub use coalescer::Coalescer;
pub use connection::{ConnectFailure, ConnectFailureKind, Pooling, TlsSetupError, UrlError};
pub use directory_groups::{
    GroupEffect, GroupFilter, GroupPlace, GroupReading, GroupTally, GroupView, MARKED_AT_ONCE,
    MarkedGone,
};
pub use error::StoreError;
pub use events::{
    EventCursor, EventFilter, EventPage, EventPlace, EventTopics, EventView, EventsError,
    EventsFrom, FollowedEvent, RunEventPage, RunEventPlace, RunEventView,
};
pub use fitness::DatabaseFault;
pub use inventory::{
    AssignmentIds, AssignmentNames, Beginning, ChangeDetail, ChangeFilter, ChangeView,
    ExportFilter, ExportKey, ExportPage, ExportedItem, ItemFilter, ItemName, ItemVersion, ItemView,
    KnownSettings, LinkDirection, LinkFilter, LinkView, PageEffect, PageStored, PastItem,
    RefusedRow, SettingDescription, SettingFilter, SettingNames, SettingView, StoredValues,
    StoredValuesPage, SyncRunView, TypeEffect, TypeReading, TypeSummary, VersionSummary,
    WhichVersion, WriteError,
};
pub use migrations::{
    MigrateError, SchemaState, migrate, migrate_through, migrate_to, revert_all, revert_last,
    schema_version,
};
pub use notifications::{NotificationFilter, NotificationView};
pub use page::{PageRequest, Place};
pub use pool::{PoolUse, Store, StoreOptions, StoreSetupError};
pub use runs::{
    ActiveRuns, Admission, AdmitError, CancelError, Cancellation, CountedRuns, DispatchFailure,
    Exit, ExitError, FinishRun, FoundRun, Heartbeat, RunFilter, RunView, RunningProgress, StartKey,
    StartRun, SweepCount, SweepPlan, SweepSteps, UsedKey,
};
pub use schedules::{Fired, LastFired, ScheduleChangeError, ScheduleView};
pub use system::{
    CertificateFile, EndedLastHour, Examination, MissingRight, PRUNE_BATCH, Pause, Pruned,
    QueueOperator, QueueStats, Retention, SecretEnd, SyncAge, WorkerReport, WorkerState,
    WorkerView,
};
pub use tenants::{SyncState, TenantView};
pub use webhooks::{
    AfterAttempt, DeliveryAttempt, DeliveryView, NewWebhook, NextDelivery, Recorded,
    SecretRotation, Sent, WebhookChange, WebhookClaim, WebhookCreateError, WebhookRequestError,
    WebhookView,
};
