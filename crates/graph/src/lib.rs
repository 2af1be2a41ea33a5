//! Microsoft Graph: the only crate that knows how it talks.
//!
//! A [`GraphClient`] serves many tenants. For one of them, [`GraphClient::tenant`] gives a
//! [`TenantGraph`], which signs in and reads the lists of a [`Plan`] page by page:
//!
//! ```no_run
//! # async fn read(client: atlas_graph::GraphClient, application: atlas_graph::Application,
//! #     keys: Vec<atlas_domain::policy_types::PolicyTypeKey>) -> Result<(), atlas_graph::GraphError> {
//! let graph = client.tenant(application);
//! graph.sign_in().await?;
//! for list in &atlas_graph::plan(&keys, true).lists {
//!     let mut reader = graph.list(list);
//!     while let Some(page) = reader.next_page().await? {
//!         println!("{} objects", page.observations.len());
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! What is absent here, and must stay absent: a bearer token on its way to any address but the
//! configured Graph, a link that was taken apart and put together again, an error that carries
//! text of the upstream, and more of a list in memory than a page and the next one.
//!
//! | module | subject |
//! | --- | --- |
//! | `activity_log` | who changed what, by the audit logs of Intune and Entra |
//! | `client` | the shared client and one tenant's view of it |
//! | `collections` | the registry's table of addresses: path, query, routing of each policy type |
//! | `delegated` | asking as a user, with the user's own token |
//! | `error` | what can go wrong, in the words of a person who has to act on it |
//! | `known_values` | which values are stored already |
//! | `list` | reading lists page by page to their end |
//! | `options` | limits and addresses |
//! | `plan` | from policy types to distinct lists |
//! | `request` | sending requests until they are answered or given up |
//! | `row` | from the body of a page to observations |
//! | `setting_definitions` | names of settings and of their options |
//! | `sign_in` | how an application proves itself, and the tokens that it gets |
//! | `traffic` | what requests meet, for whoever counts it |

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod activity_log;
mod client;
mod collections;
mod delegated;
mod error;
mod known_values;
mod list;
mod options;
mod plan;
mod request;
mod row;
mod setting_definitions;
mod sign_in;
mod traffic;

pub use activity_log::{ActivityPage, ActivityReader, activity_log_permissions, activity_logs};
pub use client::{GraphClient, TenantGraph};
pub use collections::{Assignments, Collection, Shape, collections};
pub use delegated::{DelegatedError, DelegatedToken, FoundGroup, FoundGroups, NoDelegatedToken};
pub use error::{GraphError, GraphErrorKind, PagingRefusal, SignInCause, SignInError, Waits};
pub use known_values::{KnownValues, ValuesMark, ValuesRead};
pub use list::groups::{GROUPS_PERMISSION, GroupPage, GroupReader};
pub use list::pages::Pages;
pub use list::reader::{ListPage, ListReader};
pub use options::{GraphOptions, GraphSetupError};
pub use plan::{ListPlan, Plan, plan};
pub use request::batch::SubRequest;
pub use request::body::Body;
pub use row::enrich::Incomplete;
pub use setting_definitions::SettingDefinition;
pub use sign_in::application::Application;
pub use sign_in::credential::{CertificateError, ClientCertificate, Credential, is_pfx};
pub use traffic::Traffic;
