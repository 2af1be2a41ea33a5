//! Who changed an item, by the activity logs of Microsoft Graph.
//!
//! A change happened between two readings of its item. Events of the item from that time name who may
//! have made it: one actor did make it, several may have. Nobody is named without an event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::words::words;

/// Actors of one change that are listed at most.
pub const MOST_ACTORS: usize = 20;

words! {
    /// A log of who changed what, by the name of its collection in Microsoft Graph.
    #[derive(PartialOrd, Ord)]
    pub enum ActivityLog: "activity log" {
        /// Of Intune: `/deviceManagement/auditEvents`.
        Intune = "auditEvents",
        /// Of Entra: `/auditLogs/directoryAudits`.
        Directory = "directoryAudits",
    }
}

words! {
    /// Who does something.
    #[derive(PartialOrd, Ord)]
    pub enum ActorKind: "kind of actor" {
        /// A person.
        User = "user",
        /// An application by itself.
        Application = "application",
    }
}

words! {
    /// How surely the actors of a change are known.
    pub enum Attribution: "attribution" {
        /// One actor is known to have changed the item between the two readings.
        Exact = "exact",
        /// Several did. One or more of them made the change.
        Window = "window",
        /// No event is known.
        None = "none",
    }
}

/// Somebody who changes objects. An id, a name or both are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The user's object id or the application's client id, with GUIDs in lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The user's principal name or the application's display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

impl Actor {
    /// What the actor is found by: id and name, in lower case, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = [&self.id, &self.name]
            .into_iter()
            .flatten()
            .map(|text| text.to_lowercase())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// An actor of a change: who, when and what, by the actor's latest event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeActor {
    #[serde(flatten)]
    pub actor: Actor,
    /// When, by Microsoft Graph's clock.
    pub at: DateTime<Utc>,
    /// What the log calls it, such as `Patch DeviceConfiguration`.
    pub activity: String,
}

/// Who made a change, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    pub attributed: Attribution,
    /// The latest first, each once, at most [`MOST_ACTORS`].
    pub actors: Vec<ChangeActor>,
}

/// Something that somebody did with objects, as a log reports it. What changed in them is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityEvent {
    pub log: ActivityLog,
    /// Unique in its log.
    pub id: String,
    /// Whether it created the objects.
    pub creates: bool,
    pub by: ChangeActor,
    /// Ids of the objects, with GUIDs in lower case.
    pub objects: Vec<String>,
}

/// Who made a change, by the events of its item between the two readings.
#[must_use]
pub fn attribute(events: impl IntoIterator<Item = ChangeActor>) -> MadeBy {
    let mut latest: BTreeMap<Actor, ChangeActor> = BTreeMap::new();
    for event in events {
        let known = latest.get(&event.actor);
        let later =
            known.is_none_or(|known| (known.at, &known.activity) < (event.at, &event.activity));
        if later {
            latest.insert(event.actor.clone(), event);
        }
    }
    let attributed = match latest.len() {
        0 => Attribution::None,
        1 => Attribution::Exact,
        _ => Attribution::Window,
    };
    let mut actors: Vec<ChangeActor> = latest.into_values().collect();
    // Stable, so that actors of one moment stay in their own order.
    actors.sort_by_key(|one| std::cmp::Reverse(one.at));
    actors.truncate(MOST_ACTORS);
    MadeBy { attributed, actors }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(who: u8, second: i64, activity: &str) -> ChangeActor {
        ChangeActor {
            actor: Actor {
                kind: ActorKind::User,
                id: Some(format!("id-{who}")),
                name: Some(format!("Name-{who}")),
            },
            at: DateTime::from_timestamp(second, 0).unwrap(),
            activity: activity.to_owned(),
        }
    }

    #[test]
    fn nobody_is_named_without_an_event() {
        let nobody = MadeBy {
            attributed: Attribution::None,
            actors: Vec::new(),
        };
        assert_eq!(attribute([]), nobody);
    }

    #[test]
    fn one_actor_is_exact_with_the_latest_event_and_several_are_all_listed() {
        let MadeBy { attributed, actors } =
            attribute([event(1, 5, "Create"), event(1, 9, "Patch")]);
        assert_eq!(attributed, Attribution::Exact);
        assert_eq!(actors, [event(1, 9, "Patch")]);
        let MadeBy { attributed, actors } =
            attribute([event(1, 5, "Create"), event(2, 9, "Patch")]);
        assert_eq!(attributed, Attribution::Window);
        assert_eq!(actors, [event(2, 9, "Patch"), event(1, 5, "Create")]);
    }

    #[test]
    fn an_actor_is_found_by_id_and_by_name_in_any_case() {
        assert_eq!(event(1, 0, "").actor.keys(), ["id-1", "name-1"]);
        let nameless = Actor {
            name: None,
            ..event(1, 0, "").actor
        };
        assert_eq!(nameless.keys(), ["id-1"]);
    }

    fn events() -> impl Strategy<Value = Vec<ChangeActor>> {
        let one = (0_u8..40, 0_i64..50, "[ab]").prop_map(|(who, at, what)| event(who, at, &what));
        prop::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn order_and_repetition_of_events_mean_nothing(all in events(), turn in 0_usize..60) {
            let expected = attribute(all.clone());
            let mut other = all.clone();
            other.rotate_left(turn.min(all.len()));
            other.extend(all.iter().rev().cloned());
            prop_assert_eq!(attribute(other), expected);
        }

        #[test]
        fn every_actor_has_an_event_and_is_listed_once(all in events()) {
            let MadeBy { attributed, actors } = attribute(all.clone());
            let mut who: Vec<_> = all.iter().map(|one| one.actor.clone()).collect();
            who.sort();
            who.dedup();
            prop_assert_eq!(actors.len(), who.len().min(MOST_ACTORS));
            prop_assert!(actors.iter().all(|one| all.contains(one)));
            prop_assert!(actors.is_sorted_by(|one, next| one.at >= next.at));
            let mut listed: Vec<_> = actors.iter().map(|one| &one.actor).collect();
            listed.sort();
            listed.dedup();
            prop_assert_eq!(listed.len(), actors.len());
            prop_assert_eq!(attributed == Attribution::Exact, who.len() == 1);
            prop_assert_eq!(attributed == Attribution::None, who.is_empty());
        }

        #[test]
        fn another_event_takes_no_actor_away(all in events(), who in 0_u8..40, at in 0_i64..50) {
            let before = attribute(all.clone()).actors;
            let mut more = all;
            more.push(event(who, at, "a"));
            let after = attribute(more).actors;
            if after.len() < MOST_ACTORS {
                for one in before {
                    prop_assert!(after.iter().any(|other| other.actor == one.actor));
                }
            }
        }
    }
}
