//! What callers and tables get, frozen: answers, rows, outcomes of errors, names and the OpenAPI
//! document are compared with files that were recorded before. A change of the code that is not
//! meant to change behaviour leaves all of them as they are.
//!
//! | module | subject |
//! | --- | --- |
//! | `recorded` | the recorded files: comparing with them, and writing them |
//! | `intended` | what a release changes on purpose |
//! | `later` | what was added after the recording: kinds of run, operations, policy types |
//! | `difference` | where two values differ |
//! | `layout` | JSON as it stands in the files |
//! | `masks` | names in place of what differs from one recording to the next |
//! | `dump` | all tables of a database |
//! | `installation` | a database, a simulator, people, and workers of a scenario |
//! | `answers` | every operation of the API on one database |
//! | `tables` | scenarios, and the tables after them |
//! | `outcomes` | what follows from which error |
//! | `names` | words that others have written down |
//! | `document` | the OpenAPI document without its texts |
//!
//! Recorded files are never edited. `ATLAS_RECORD=1 cargo nextest run -p atlas-tests --test golden`
//! writes them, from a tree whose behaviour is the one to keep.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step is a failed test, and the test runner's environment is asked"
)]

mod answers;
mod difference;
mod document;
mod dump;
mod installation;
mod intended;
mod later;
mod layout;
mod masks;
mod names;
mod outcomes;
mod recorded;
mod tables;
