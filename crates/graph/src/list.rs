//! Reading lists page by page to their end.
//!
//! | module | subject |
//! | --- | --- |
//! | `fetch_strategy` | page sizes and expansions, and what to ask for when that is too much |
//! | `groups` | the groups of a directory, and what changed of them |
//! | `pages` | the bodies of a list's pages |
//! | `progress` | whether the pages of a list still bring anything |
//! | `reader` | the observations of a list |
//! | `seen_keys` | ids and links that were met before |

pub(crate) mod fetch_strategy;
pub(crate) mod groups;
pub(crate) mod pages;
pub(crate) mod progress;
pub(crate) mod reader;
pub(crate) mod seen_keys;
