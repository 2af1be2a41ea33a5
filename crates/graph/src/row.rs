//! Interpreting rows: from the body of a page to observations without secrets.
//!
//! | module | subject |
//! | --- | --- |
//! | `enrich` | reading what a list does not carry of its rows |
//! | `links` | the links of an object |
//! | `observe` | from a row to an observation |
//! | `page` | taking a response body apart |
//! | `redact` | replacing secrets |
//! | `user_information` | user information in URLs |

pub(crate) mod enrich;
pub(crate) mod links;
pub(crate) mod observe;
pub(crate) mod page;
pub(crate) mod redact;
pub(crate) mod user_information;
