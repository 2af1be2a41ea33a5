//! Examples of the OpenAPI document. They are values of the types that handlers answer with, so that
//! they cannot differ from answers in shape. Together they show one story: Avery Howard syncs the
//! tenant Contoso.

use atlas_domain::ids::{DirectoryId, GroupId, ItemId, NotificationId, RunId, TenantId, UserId};
use atlas_store::Origin;
use atlas_telemetry::TraceContext;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::context::RequestContext;
use crate::links::Links;
use crate::options::DEFAULT_RUN_VIEW_TEMPLATE;
use crate::problem::Problem;

/// The run of the story.
pub(crate) const RUN: RunId = RunId::from_uuid(id(0x0197c1a2_5d3e_7b60_8f21_6d2b9c4e1f07));
/// Its tenant.
pub(crate) const TENANT: TenantId = TenantId::from_uuid(id(0x0197c19f_03aa_7c11_a5d4_1f6e2b7c9d30));
/// The directory of the tenant.
pub(crate) const DIRECTORY: DirectoryId =
    DirectoryId::from_uuid(id(0x5b8e4a52_6d0c_4c38_9d1f_2a7b3c4d5e6f));
/// Its initiator.
pub(crate) const USER: UserId = UserId::from_uuid(id(0x0197c19e_1111_7abc_8def_0a1b2c3d4e5f));
/// An item that it saw.
pub(crate) const ITEM: ItemId = ItemId::from_uuid(id(0x0197c1a2_9b10_7a02_b6e3_4c5d6e7f8091));
/// A group that the item is assigned to.
pub(crate) const GROUP: GroupId = GroupId::from_uuid(id(0x9b1f0c2d_4e5a_4b6c_8d7e_0f1a2b3c4d5e));
/// The notification of its end.
pub(crate) const NOTIFICATION: NotificationId =
    NotificationId::from_uuid(id(0x0197c1a2_5d41_7d18_9a3b_2c3d4e5f6071));
/// The request that started it.
pub(crate) const REQUEST: Uuid = id(0x0197c1a2_5d2f_7e44_9c0a_8b1d3f5a7e92);
/// Where a list continues.
pub(crate) const CURSOR: &str = "WzEsIkdKbFJ6cTNwOVFmWCIsIjIwMjYtMDUtMDQiLCIwMTk3YzFhMiJd";
/// The initiator's address.
pub(crate) const USER_EMAIL: &str = "avery@contoso.example";
/// The initiator's name.
pub(crate) const USER_NAME: &str = "Avery Howard";
/// The tenant's name.
pub(crate) const TENANT_NAME: &str = "Contoso";

/// A type that the document shows a value of.
pub(crate) trait Example {
    /// The value.
    fn example() -> Self;
}

/// An identifier, written as in RFC 9562 with underscores.
pub(crate) const fn id(value: u128) -> Uuid {
    Uuid::from_u128(value)
}

/// The time at which the document is read.
pub(crate) fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_777_888_999, 0).expect("the moment exists")
}

/// Addresses of an installation.
pub(crate) fn links() -> Links {
    Links::new("https://atlas.example", DEFAULT_RUN_VIEW_TEMPLATE)
}

/// A problem as callers read it.
pub(crate) fn problem(problem: &Problem) -> Value {
    let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .expect("the example of the specification is valid");
    let context = RequestContext {
        address: None,
        origin: Origin::default(),
        id: atlas_domain::ids::RequestId::from_uuid(REQUEST),
        shown_id: REQUEST.to_string(),
        trace,
    };
    serde_json::from_slice(&problem.body(&context, &links())).expect("a problem is JSON")
}
