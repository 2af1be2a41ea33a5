//! Conditional Access policies. Where Graph puts a word in the place of an id, such as `All` or
//! `GuestsOrExternalUsers`, the word is the target.

use atlas_domain::guid::is_guid;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, array};

/// Arrays of ids under `conditions`: where, what they mean, what they name.
const CONDITIONS: [(&str, LinkKind, TargetKind); 14] = [
    ("/users/includeUsers", LinkKind::Targets, TargetKind::User),
    ("/users/excludeUsers", LinkKind::Excludes, TargetKind::User),
    ("/users/includeGroups", LinkKind::Targets, TargetKind::Group),
    (
        "/users/excludeGroups",
        LinkKind::Excludes,
        TargetKind::Group,
    ),
    (
        "/users/includeRoles",
        LinkKind::Targets,
        TargetKind::DirectoryRole,
    ),
    (
        "/users/excludeRoles",
        LinkKind::Excludes,
        TargetKind::DirectoryRole,
    ),
    (
        "/applications/includeApplications",
        LinkKind::Targets,
        TargetKind::Application,
    ),
    (
        "/applications/excludeApplications",
        LinkKind::Excludes,
        TargetKind::Application,
    ),
    (
        "/applications/includeUserActions",
        LinkKind::Targets,
        TargetKind::Special,
    ),
    (
        "/applications/includeAuthenticationContextClassReferences",
        LinkKind::UsesAuthenticationContext,
        TargetKind::AuthenticationContext,
    ),
    (
        "/clientApplications/includeServicePrincipals",
        LinkKind::Targets,
        TargetKind::ServicePrincipal,
    ),
    (
        "/clientApplications/excludeServicePrincipals",
        LinkKind::Excludes,
        TargetKind::ServicePrincipal,
    ),
    (
        "/locations/includeLocations",
        LinkKind::UsesLocation,
        TargetKind::NamedLocation,
    ),
    (
        "/locations/excludeLocations",
        LinkKind::ExcludesLocation,
        TargetKind::NamedLocation,
    ),
];

pub(super) fn of_policy(policy: &Value, found: &mut Gathered) {
    if let Some(conditions) = policy.get("conditions") {
        for (place, kind, target) in CONDITIONS {
            for id in array(conditions.pointer(place)) {
                let target = if is_word(target, id) {
                    TargetKind::Special
                } else {
                    target
                };
                found.add(kind, target, Some(id));
            }
        }
        for (member, kind) in [
            ("includeGuestsOrExternalUsers", LinkKind::Targets),
            ("excludeGuestsOrExternalUsers", LinkKind::Excludes),
        ] {
            of_guests(
                conditions
                    .pointer("/users")
                    .and_then(|users| users.get(member)),
                kind,
                found,
            );
        }
    }
    let Some(controls) = policy.get("grantControls") else {
        return;
    };
    found.add(
        LinkKind::UsesAuthenticationStrength,
        TargetKind::AuthenticationStrength,
        controls.pointer("/authenticationStrength/id"),
    );
    found.add_each(
        LinkKind::UsesTerms,
        TargetKind::TermsOfUse,
        controls.get("termsOfUse"),
    );
}

/// Guests by their kinds and, where only some are meant, by the directories they come from.
fn of_guests(guests: Option<&Value>, kind: LinkKind, found: &mut Gathered) {
    let Some(guests) = guests.filter(|value| value.is_object()) else {
        return;
    };
    let mut qualifier = Qualifier::new();
    super::gathered::qualify(
        &mut qualifier,
        "guest_types",
        guests.get("guestOrExternalUserTypes"),
    );
    found.add_id(
        kind,
        TargetKind::Special,
        "GuestsOrExternalUsers",
        qualifier,
    );
}

/// Ids are GUIDs; authentication contexts are numbered `c1` to `c99`; what else stands in their
/// place is a word.
fn is_word(target: TargetKind, id: &Value) -> bool {
    let Some(id) = id.as_str() else { return false };
    target != TargetKind::AuthenticationContext && !is_guid(id)
}
