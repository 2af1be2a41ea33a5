//! The rules of TenantAtlas and nothing else: no IO, no async, no framework.
//!
//! | module | subject |
//! | --- | --- |
//! | [`access`] | who a caller is, what a role permits, API tokens |
//! | [`audit`] | the words of the audit log |
//! | [`causes`] | an error with everything that caused it |
//! | [`clock`] | time and randomness as parameters |
//! | [`directory`] | groups of tenants' directories |
//! | [`event`] | the types of events of the log |
//! | [`failure`] | why a run or a part of it failed, in words for people and programs |
//! | [`guid`] | GUIDs inside identifiers, which any case names |
//! | [`hex`] | bytes as hexadecimal digits |
//! | [`ids`] | newtypes for identifiers |
//! | [`inventory`] | what a sync observes and how its results are counted |
//! | [`limits`] | how much text the columns with an index hold |
//! | [`notification`] | notifications to the initiator of a run |
//! | [`policy_types`] | the registry of policy types and foundations |
//! | [`run`] | the OperationRun: lifecycle, transitions, dedupe, lease |
//! | [`schedule`] | when a tenant is synced by itself |
//! | [`selection`] | which policy types a sync reads |
//! | [`tenant`] | a managed tenant and how Graph is reached for it |
//! | [`vault`] | tenant secrets, encrypted at rest |
//! | [`webhook`] | endpoints that events are delivered to, and what became of deliveries |
//! | [`words`] | closed sets of words |

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod audit;
pub mod causes;
pub mod clock;
pub mod directory;
pub mod event;
pub mod failure;
pub mod guid;
pub mod hex;
pub mod ids;
pub mod inventory;
pub mod limits;
pub mod notification;
pub mod policy_types;
pub mod run;
pub mod schedule;
pub mod selection;
pub mod tenant;
pub mod vault;
pub mod webhook;
pub mod words;
