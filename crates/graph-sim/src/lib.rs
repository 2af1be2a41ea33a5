//! A Microsoft Graph to develop, test and measure against.
//!
//! The simulator answers over real HTTP on the loopback interface: a token endpoint per tenant and
//! the collections that an inventory of Intune and Entra policies reads, under `/beta` and `/v1.0`.
//! What a tenant holds follows from (seed, directory id, size) and from nothing else, so that two
//! simulators agree, and so that [`Controls::answer_key`] can say what a correct client must have
//! stored without asking over HTTP.
//!
//! It shares no code with the client that it is there to test: its table of collections, its
//! paging, its errors and its payloads were made from Microsoft's public documentation and from
//! what public issues report of the real service. Where the two sides read the documentation
//! differently, tests fail, which is the point.
//!
//! - What a client must end with: [`Controls::answer_key`], [`Controls::answer_links`],
//!   [`Controls::answer_values`], and after [`Controls::mutate`] [`Controls::changes_since_mark`].
//! - What it held before, and who changed it: [`Controls::answer_versions`],
//!   [`Controls::answer_key_at`], [`Controls::answer_object_at`]. How late, incomplete and disorderly
//!   audit events are: [`AuditBehaviour`].
//! - What can be made to go wrong: [`Effect`]. What can be stopped and let go: [`GateRule`]. What a
//!   tenant can lack: [`TenantMode`].
//! - How often one may ask: [`PublishedLimits`], and [`Throttle`] for limits of one's own. Whether
//!   a client kept to it: [`Controls::traffic`].
//! - What was asked: [`Controls::log`]. It holds no tokens, secrets or bodies.
//! - How one signs in: a secret, a certificate, or a token of another issuer
//!   ([`FederatedCredential`]); users' tokens ([`UserToken`]) can be checked with published keys
//!   and used on their behalf.
//!
//! The same over HTTP: paths under `/_sim/`, which `atlas-graph-sim --help` lists.

mod answer;
mod answer_key;
mod answer_values;
mod audit;
mod batch;
mod collections;
mod content;
mod control;
mod controls;
mod deface;
mod directory;
mod exchange;
mod faults;
mod gates;
mod graph;
mod history;
mod limits;
mod modes;
mod mutation;
mod options;
mod readable_rows;
mod request_log;
mod retry_after;
mod server;
mod service;
mod shared;
mod sign_in;
mod simulator;
mod throttle;
mod traffic;

pub use answer_key::{
    AnswerChange, AnswerChangeKind, AnswerItem, AnswerKey, AnswerLink, FieldChange,
};
pub use answer_values::{AnswerValue, ValueChange};
pub use audit::{Actor, ActorKind, AnswerActor, AuditBehaviour};
pub use collections::{Collection, Kind, collections};
pub use content::ValueForm;
pub use control::control_help;
pub use controls::Controls;
pub use faults::{Effect, ErrorBody, FaultRule, PathMatch};
pub use gates::{Gate, GateRule};
pub use history::{AnswerObject, AnswerVersion};
pub use limits::{PublishedLimits, WaitForm};
pub use modes::TenantMode;
pub use mutation::{Changes, MutationScript};
pub use options::{Latency, SimulatorOptions};
pub use request_log::LogEntry;
pub use retry_after::RetryAfter;
pub use service::DirectorySize;
pub use sign_in::{FederatedCredential, SignInRefusal, UserToken};
pub use simulator::Simulator;
pub use throttle::Throttle;
pub use traffic::{ServiceTraffic, Traffic};
