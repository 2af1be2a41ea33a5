//! What the seed's objects and groups are like.

use atlas_domain::directory::{GroupPatch, GroupState, GroupUpdate};
use atlas_domain::ids::GroupId;
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use serde_json::json;
use uuid::Uuid;

/// An app of a number, in a version of its content.
pub(super) fn app(number: u8, version: u8) -> Observation {
    let content = json!({"/displayVersion": version, "/kept": "x"});
    Observation {
        policy_type: registry().find("mobileApp").unwrap(),
        external_id: format!("app-{number}"),
        name: format!("App {number}"),
        platform: if number.is_multiple_of(2) {
            "windows".to_owned()
        } else {
            "ios".to_owned()
        },
        scope_tags: Some(vec!["tag-7".to_owned()]),
        assignment_count: Some(1),
        metadata: JsonText::of(&json!({"description": "An app", "version": version})),
        content_hash: [version; 32],
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: Some([1; 32]),
        content: JsonText::of(&content),
        assignments: Some(JsonText::of(&json!([{"target": "group-1"}]))),
        values: None,
        values_mark: None,
        links: vec![LinkSet::new(LinkSource::Object, links(number))],
    }
}

fn links(number: u8) -> Vec<Link> {
    let link = |kind, target, id: String, qualifier: &[(&str, &str)]| Link {
        kind,
        target: LinkTarget { kind: target, id },
        qualifier: qualifier
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let intent = [("intent", "required")];
    vec![
        link(
            LinkKind::AssignedTo,
            TargetKind::Group,
            group(number).to_string(),
            &intent,
        ),
        link(
            LinkKind::ScopedBy,
            TargetKind::RoleScopeTag,
            format!("tag-{number}"),
            &[],
        ),
        link(
            LinkKind::DependsOnApp,
            TargetKind::MobileApp,
            format!("app-{}", number + 1),
            &[],
        ),
    ]
}

pub(super) fn tag(number: u8) -> Observation {
    Observation {
        policy_type: registry().find("roleScopeTag").unwrap(),
        external_id: format!("tag-{number}"),
        name: format!("Tag {number}"),
        scope_tags: None,
        assignments_hash: None,
        assignments: None,
        assignment_count: None,
        links: Vec::new(),
        ..app(number, 1)
    }
}

pub(super) fn group(number: u8) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(
        0x4000_8000_0000_0000_0000 + u128::from(number),
    ))
}

pub(super) fn named(number: u8, name: &str) -> GroupUpdate {
    let patch = GroupPatch {
        name: Some(name.to_owned().into()),
        description: Some(Some(format!("Group {number}"))),
        security: Some(true),
        unified: Some(number.is_multiple_of(2)),
        mail: Some(number == 3),
        ..GroupPatch::default()
    };
    GroupUpdate {
        id: group(number),
        state: GroupState::Present(patch),
    }
}
