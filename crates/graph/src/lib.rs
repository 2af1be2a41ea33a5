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
//! text of the upstream, and more than one page in memory per list.
//!
//! | module | subject |
//! | --- | --- |
//! | `backoff` | how long to wait before the next attempt |
//! | `batch` | many small reads in one request |
//! | `body` | the body of an answer, which remembers the answer |
//! | `client` | the shared client and one tenant's view of it |
//! | `collections` | the registry's second half: path, query, routing of each policy type |
//! | `credential` | how an application proves itself |
//! | `delegated` | asking as a user, with the user's own token |
//! | `enrich` | reading what a list does not tell of its rows |
//! | `error` | what can go wrong, and how a person is told |
//! | `groups` | the groups of a directory, and what changed of them |
//! | `http` | connections, and one exchange on them |
//! | `link` | which next links may be followed |
//! | `links` | from what Graph tells of an object to its links |
//! | `list` | walking a list to its end |
//! | `observe` | from a row to an observation |
//! | `options` | limits and addresses |
//! | `pacer` | how often one tenant is asked |
//! | `page` | taking a response body apart |
//! | `plan` | from policy types to distinct lists |
//! | `progress` | whether the pages of a list still bring anything |
//! | `request` | one request until it is answered or given up |
//! | `seen` | texts that were met before |
//! | `sent` | a request that was sent, as a support case names it |
//! | `silence` | how long a service has answered nothing |
//! | `token` | signing in, once for all who wait |
//! | `upstream` | telling refusals of Graph apart |
//! | `user_information` | user information in URLs |
//! | `walk` | the bodies of a list's pages |
//! | `withhold` | keeping secrets out of what is kept |

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod backoff;
mod batch;
mod body;
mod client;
mod collections;
mod credential;
mod delegated;
mod effort;
mod enrich;
mod error;
mod groups;
mod http;
mod link;
mod links;
mod list;
mod observe;
mod options;
mod pacer;
mod page;
mod plan;
mod progress;
mod request;
mod seen;
mod sent;
mod silence;
mod token;
mod upstream;
mod user_information;
mod walk;
mod withhold;

pub use batch::SubRequest;
pub use body::Body;
pub use client::{Application, GraphClient, TenantGraph};
pub use collections::{Assignments, Collection, Shape, collections};
pub use credential::{CertificateError, ClientCertificate, Credential, is_pfx};
pub use delegated::{DelegatedError, DelegatedToken, FoundGroup, FoundGroups, NoDelegatedToken};
pub use enrich::Incomplete;
pub use error::{GraphError, GraphErrorKind, PagingRefusal, SignInCause, SignInError, Waits};
pub use groups::{GROUPS_PERMISSION, GroupPage, GroupReader};
pub use list::{ListPage, ListReader};
pub use options::{GraphOptions, GraphSetupError};
pub use plan::{ListPlan, Plan, plan};
pub use walk::Pages;
