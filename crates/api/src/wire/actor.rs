//! Who made changes of inventory items.

use atlas_domain::inventory::actor::{self, ActorKind, Attribution, MadeBy};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// An actor of a change, according to an audit log of Microsoft Graph.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeActor {
    /// `user` or `application`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The user's object id or the application's client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    id: Option<String>,
    /// The user's principal name or the application's display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    name: Option<String>,
    /// When the actor changed the item last before it was read.
    at: DateTime<Utc>,
    /// What the log calls it.
    #[schema(max_length = 500)]
    activity: String,
}

/// How surely the actors are known.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActorAttribution {
    /// One actor is known to have changed the item between the two syncs.
    Exact,
    /// Several actors changed the item between the two syncs. One or more of them made this change.
    Window,
    /// No actor is known.
    None,
}

impl ActorAttribution {
    /// How surely they are known, and the actors.
    pub(crate) fn of(made_by: MadeBy) -> (Self, Vec<ChangeActor>) {
        let attributed = match made_by.attributed {
            Attribution::Exact => Self::Exact,
            Attribution::Window => Self::Window,
            Attribution::None => Self::None,
        };
        let actors = made_by.actors.into_iter().map(ChangeActor::from);
        (attributed, actors.collect())
    }
}

impl From<actor::ChangeActor> for ChangeActor {
    fn from(one: actor::ChangeActor) -> Self {
        Self {
            kind: one.actor.kind.as_str(),
            id: one.actor.id,
            name: one.actor.name,
            at: one.at,
            activity: one.activity,
        }
    }
}

/// An example: one person.
pub(crate) fn example(at: DateTime<Utc>) -> MadeBy {
    actor::attribute([actor::ChangeActor {
        actor: actor::Actor {
            kind: ActorKind::User,
            id: Some("7d3d2c0e-6d0f-4f2a-9d64-0f3f0a5f6b7c".to_owned()),
            name: Some("anna@contoso.example".to_owned()),
        },
        at,
        activity: "Patch DeviceCompliancePolicy".to_owned(),
    }])
}
