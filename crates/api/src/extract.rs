//! What handlers take from a request. Each extractor loads and checks, and refuses with a problem.
//! Bodies and queries are read by the handler, after it is known who asks: a stranger learns
//! nothing about what would have been a valid request.

pub(crate) mod actor;
pub(crate) mod body;
pub(crate) mod idempotency_key;
pub(crate) mod operator;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod recent;
mod request_context;
pub(crate) mod run_scope;
pub(crate) mod start_scope;
pub(crate) mod tenant_scope;
pub(crate) mod ticket;
pub(crate) mod token_cache;
