//! Interpreting rows: from the body of a page to observations without secrets.
//!
//! A row is a `RawRow` (text) at first and a `Row` (JSON) once it was read. `observe` makes an
//! `ObservedRow` of it: an [`Observation`](atlas_domain::inventory::Observation) and what is still
//! to be read. `enrich` keeps it as a `PartialRow` until nothing is lacking, and gives out the
//! observation.
//!
//! | module | subject |
//! | --- | --- |
//! | `assignments` | the assignments of an object, in its observation |
//! | `context` | what is known of a row before it is read |
//! | `enrich` | reading what a list does not carry of its rows |
//! | `further_read` | what has to be read of a row besides its list |
//! | `groups` | the rows of a page of groups, which are no inventory items |
//! | `links` | the links of an object |
//! | `observe` | from a row to an observation |
//! | `page` | the rows of a page, as far as they concern the inventory |
//! | `redact` | replacing secrets |
//! | `user_information` | user information in URLs |
//! | `values` | what objects set beside their list rows |

pub(crate) mod assignments;
pub(crate) mod context;
pub(crate) mod enrich;
pub(crate) mod further_read;
pub(crate) mod groups;
pub(crate) mod links;
pub(crate) mod observe;
pub(crate) mod page;
pub(crate) mod redact;
pub(crate) mod user_information;
pub(crate) mod values;
