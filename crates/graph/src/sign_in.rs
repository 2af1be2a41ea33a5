//! Signing in: how an application proves itself, and the tokens that it gets.
//!
//! | module | subject |
//! | --- | --- |
//! | `application` | who reads a tenant |
//! | `credential` | secrets, certificates and tokens of other issuers |
//! | `token` | one token for all who wait, renewed in time |

pub(crate) mod application;
pub(crate) mod credential;
pub(crate) mod token;
