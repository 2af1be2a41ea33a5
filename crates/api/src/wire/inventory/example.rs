//! What the document's examples show of an inventory.

use atlas_domain::ids::{ChangeId, LinkId};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::difference::{ContentDifference, FieldDifference};
use atlas_domain::inventory::link::{LinkKind, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use atlas_domain::run::{InventoryCounts, Outcome, Status};
use atlas_store::{
    ChangeDetail, ChangeView, ExportedItem, ItemName, ItemVersion, ItemView, KnownSettings,
    LinkView, SettingNames, SettingView, SyncRunView, TypeSummary, VersionSummary,
};
use chrono::TimeDelta;
use serde_json::json;

use crate::example::{self, Example, links, moment};
use crate::paging::Page;
use crate::wire::actor;
use crate::wire::change::InventoryChange;
use crate::wire::export::{ExportHeader, ExportLine};
use crate::wire::inventory::{InventorySummary, InventorySyncRun, PolicyTypeList};
use crate::wire::item::{InventoryItem, InventoryItemPage};
use crate::wire::link::InventoryLink;
use crate::wire::result::OperationRunResult;
use crate::wire::setting::InventorySetting;
use crate::wire::version::{InventoryItemContent, InventoryItemDifference, InventoryItemVersion};

/// A setting of the settings catalog.
const SETTING: &str = "device_vendor_msft_bitlocker_requiredeviceencryption";
const SETTING_NAME: &str = "Require Device Encryption";
const LINK: LinkId = LinkId::from_uuid(example::id(0x0197c1a2_9b11_7c3d_8e4f_5a6b7c8d9e0f));
const CHANGE: ChangeId = ChangeId::from_uuid(example::id(0x0197c1a2_9b12_7d4e_9f50_6b7c8d9e0f1a));

impl Example for InventoryItem {
    fn example() -> Self {
        item().into()
    }
}

impl Example for InventoryItemPage {
    fn example() -> Self {
        Self::new(Page::example(), None)
    }
}

impl Example for InventoryItemVersion {
    fn example() -> Self {
        version(2, "1").version.into()
    }
}

impl Example for InventoryItemContent {
    fn example() -> Self {
        Self::new(version(2, "1"), &known_settings())
    }
}

impl Example for InventoryItemDifference {
    fn example() -> Self {
        let (from, to) = (version(1, "0"), version(2, "1"));
        let difference = ContentDifference {
            fields: vec![difference()],
            field_count: 1,
        };
        Self::new(from, to, Some(difference), &known_settings())
    }
}

impl Example for InventorySummary {
    fn example() -> Self {
        Self::new(vec![TypeSummary {
            policy_type: "mobileApp".to_owned(),
            present: 140,
            missing: 2,
            data_as_of: Some(moment()),
        }])
    }
}

impl Example for InventorySyncRun {
    fn example() -> Self {
        let sync = SyncRunView {
            run_id: example::RUN,
            initiator_id: example::USER,
            initiator_name: example::USER_NAME.to_owned(),
            selection_hash: "9f".repeat(32),
            created_at: moment() - TimeDelta::seconds(20),
            status: Status::Completed,
            outcome: Some(Outcome::Succeeded),
            counts: InventoryCounts::example(),
            error_code: None,
            completed_at: Some(moment()),
        };
        Self::new(sync, &links())
    }
}

impl Example for PolicyTypeList {
    /// The beginning of the list.
    fn example() -> Self {
        Self::of_this_version().beginning(2)
    }
}

impl Example for InventoryLink {
    /// As the list of the tenant shows it.
    fn example() -> Self {
        Self::new(link(), None)
    }
}

/// A link as the list of its item shows it.
pub(crate) fn link_of_item() -> InventoryLink {
    InventoryLink::new(link(), Some(example::ITEM))
}

impl Example for InventorySetting {
    fn example() -> Self {
        Self::from(SettingView {
            item: catalog_policy(),
            setting_id: SETTING.to_owned(),
            setting_name: Some(SETTING_NAME.to_owned()),
            field: format!("/settings/{SETTING}"),
            value: json!(format!("{SETTING}_1")),
            value_name: Some("Enabled".to_owned()),
            place: example::id(0x0197c1a2_9b13_7e5f_a061_7c8d9e0f1a2b),
            assignment_count: Some(1),
            assigned: vec![link()],
        })
    }
}

impl Example for InventoryChange {
    fn example() -> Self {
        let change = ChangeView {
            id: CHANGE,
            occurred_at: moment(),
            kind: ChangeKind::Changed,
            run_id: example::RUN,
            item: catalog_policy(),
            made_by: actor::example(moment() - TimeDelta::hours(2)),
            detail: Some(ChangeDetail::Content {
                fields: vec![difference()],
                field_count: 1,
            }),
        };
        Self::new(change, &known_settings())
    }
}

impl Example for OperationRunResult {
    fn example() -> Self {
        let key = registry()
            .find("mobileApp")
            .expect("the registry has mobile apps");
        Self::new(TypeResult {
            status: TypeStatus::Succeeded,
            pages: 2,
            seen: 140,
            created: 4,
            changed: 1,
            reassigned: 1,
            missing: 0,
            started_at: Some(moment() - TimeDelta::seconds(2)),
            completed_at: Some(moment()),
            ..TypeResult::pending(key)
        })
    }
}

/// The lines of an export of one item.
pub(crate) fn export() -> String {
    let (name, time) = (example::TENANT_NAME.to_owned(), moment());
    let header = ExportHeader::new(example::TENANT, name, time, None, Vec::new());
    let (policy, version) = (catalog_policy(), version(2, "1"));
    let in_export = VersionSummary {
        made_by: None,
        ..version.version
    };
    let item = ItemView {
        policy_type: policy.policy_type,
        name: policy.name,
        category: "Configuration".to_owned(),
        ..item()
    };
    let item = ExportedItem {
        id: item.id,
        policy_type: item.policy_type,
        external_id: item.external_id,
        category: item.category,
        foundation: item.foundation,
        platform: item.platform,
        scope_tags: item.scope_tags,
        metadata: item.metadata,
        version: in_export,
        content: version.content,
        assignments: version.assignments,
        links: Some(vec![link()]),
    };
    let lines = [
        ExportLine::Header(header),
        ExportLine::Item(Box::new(item.into())),
        ExportLine::End { item_count: 1 },
    ];
    let lines = lines.iter().map(|line| line.to_text());
    let text: Vec<u8> = lines.flat_map(Result::unwrap_or_default).collect();
    String::from_utf8_lossy(&text).into_owned()
}

fn item() -> ItemView {
    ItemView {
        id: example::ITEM,
        policy_type: "deviceCompliancePolicy".to_owned(),
        external_id: "c6a7f0b2-3f2d-4d8e-9c54-1b2a3c4d5e6f".to_owned(),
        name: "Windows baseline compliance".to_owned(),
        category: "Compliance".to_owned(),
        platform: "windows".to_owned(),
        foundation: false,
        scope_tags: vec!["0".to_owned()],
        assignment_count: Some(2),
        metadata: json!({"description": "Encryption and firewall on", "version": 3}),
        content_hash: (0..32).collect(),
        first_seen_at: moment() - TimeDelta::days(60),
        last_seen_at: moment(),
        changed_at: moment() - TimeDelta::days(2),
        missing_since: None,
        last_seen_run: example::RUN,
    }
}

/// A version of a policy that differs from others in whether encryption is required.
fn version(number: i32, option: &str) -> ItemVersion {
    let changed = moment() - TimeDelta::days(2);
    let content = json!({
        "/name": catalog_policy().name,
        (format!("/settings/{SETTING}")): format!("{SETTING}_{option}"),
    });
    let target = json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget",
        "groupId": example::GROUP});
    ItemVersion {
        item: catalog_policy(),
        version: VersionSummary {
            number,
            valid_from: changed - TimeDelta::days(58 * i64::from(2 - number)),
            valid_to: (number == 1).then_some(changed),
            run: Some(example::RUN),
            name: catalog_policy().name,
            made_by: Some(actor::example(changed - TimeDelta::hours(2))),
        },
        content: content.as_object().cloned(),
        assignments: Some(vec![json!({"target": target})]),
    }
}

/// What differs between the versions.
fn difference() -> FieldDifference {
    FieldDifference {
        field: format!("/settings/{SETTING}"),
        old: Some(json!(format!("{SETTING}_0"))),
        new: Some(json!(format!("{SETTING}_1"))),
    }
}

/// Names of the setting and its options.
fn known_settings() -> KnownSettings {
    let options = [("0", "Disabled"), ("1", "Enabled")];
    let names = SettingNames {
        name: Some(SETTING_NAME.to_owned()),
        options: options
            .map(|(option, name)| (format!("{SETTING}_{option}"), name.to_owned()))
            .into(),
    };
    KnownSettings::new([(SETTING.to_owned(), names)].into())
}

fn catalog_policy() -> ItemName {
    ItemName {
        policy_type: "settingsCatalogPolicy".to_owned(),
        name: "Windows encryption".to_owned(),
        ..item_name()
    }
}

fn item_name() -> ItemName {
    let item = item();
    ItemName {
        id: item.id,
        policy_type: item.policy_type,
        external_id: item.external_id,
        name: item.name,
    }
}

fn link() -> LinkView {
    LinkView {
        id: LINK,
        item: item_name(),
        kind: LinkKind::AssignedTo,
        source: LinkSource::Assignments,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: example::GROUP.to_string(),
        },
        target_group: Some("All staff".to_owned()),
        target_item: None,
        qualifier: json!({"source": "direct"}),
        dangling: false,
    }
}
