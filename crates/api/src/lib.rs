//! The HTTP API of TenantAtlas: who may ask for what, and how answers look.
//!
//! It reads PostgreSQL and, when a run is started, puts its id into Redis. It never calls Microsoft
//! Graph and does no work of its own. Nothing but starts needs Redis.
//!
//! | module | subject |
//! | --- | --- |
//! | [`options`] | flags, environment variables and settings |
//! | `server` | the app, and serving it until asked to stop |
//! | `envelope` | what surrounds every request and every answer |
//! | `compression`, `cross_origin` | gzip; what pages of other origins may do |
//! | [`proxies`] | whose address a request came from, behind proxies |
//! | `refused_requests` | refusals that are logged and audited in sums |
//! | `stream` | streams of events: one reader for all of a process |
//! | `under_way` | exports and streams under way, so that no caller has many |
//! | `access` | permissions: refusals, and what the audit log records of them |
//! | `extract` | who asks, for which tenant, with what |
//! | `routes` | one handler per operation |
//! | `wire` | what answers look like |
//! | `problem` | errors, RFC 9457 |
//! | `refusals`, `example` | what operations refuse with, and values that the description shows |
//! | `openapi` | the description of all this |
//! | `pages` | pages for people: the description, runs, problems |
//! | `probes` | what load balancers and orchestrators ask |

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod answer;
mod compression;
mod context;
mod cross_origin;
mod directory_search;
mod envelope;
mod example;
mod extract;
mod fallback;
mod links;
mod openapi;
pub mod options;
mod origins;
mod pages;
mod paging;
pub mod pool_numbers;
mod probes;
mod problem;
pub mod proxies;
mod rate;
mod readiness;
mod refusals;
mod refused_requests;
mod routes;
mod server;
mod state;
mod stream;
mod under_way;
mod wire;

pub use openapi::{deliveries_document, document};
pub use options::ApiOptions;
pub use server::{Parts, serve};
