//! Payloads of policies that configure or protect apps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::identity::Purpose;
use super::{Links, Rng, Row, merge};
use crate::collections::Collection;

/// A configuration of an app on managed devices.
pub(super) fn configuration(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let apps: Vec<String> = (0..1 + rng.below(2)).map(|_| row.one_app(rng)).collect();
    let mut configuration =
        json!({"targetedMobileApps": links.all("configures_app", "mobile_app", &apps)});
    let own = if row.short_type() == "androidManagedStoreAppConfiguration" {
        json!({
            "packageId": format!("app:com.example.app{}", rng.below(100)),
            "payloadJson": STANDARD.encode(r#"{"kind":"androidenterprise#managedConfiguration"}"#),
            "appSupportsOemConfig": row.key() == "androidOemConfig",
            "permissionActions": [],
        })
    } else {
        json!({
            "encodedSettingXml": null,
            "settings": [{
                "appConfigKey": "server",
                "appConfigKeyType": "stringType",
                "appConfigKeyValue": "https://mail.example.com",
            }],
        })
    };
    merge(&mut configuration, own);
    configuration
}

/// A policy that protects or configures apps without enrolment.
pub(super) fn managed(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let mut policy = json!({
        "periodOfflineBeforeAccessCheck": "PT12H",
        "periodOnlineBeforeAccessCheck": "PT30M",
        "periodOfflineBeforeWipeIsEnforced": "P90D",
        "allowedInboundDataTransferSources": "managedApps",
        "allowedOutboundDataTransferDestinations": "managedApps",
        "organizationalCredentialsRequired": rng.percent(20),
        "pinRequired": rng.percent(90),
        "maximumPinRetries": 5,
        "minimumPinLength": 4 + rng.below(4),
        "pinCharacterSet": "numeric",
        "deployedAppCount": rng.below(60) + usize::from(row.object.counted),
        "targetedAppManagementLevels": "unspecified",
        "exemptedAppPackages": [],
    });
    // Policies of Windows Information Protection know no groups of apps.
    if !row
        .collection
        .path()
        .ends_with("InformationProtectionPolicies")
    {
        let group = rng.pick(&["allCoreMicrosoftApps", "selectedPublicApps"]);
        if group != "selectedPublicApps" {
            links.add(link_kind(row), "special", group, &[]);
        }
        policy["appGroupType"] = json!(group);
    }
    policy
}

/// Whether such a policy configures its apps or protects them.
fn link_kind(row: &Row<'_>) -> &'static str {
    let configures = row.short_type() == "targetedManagedAppConfiguration"
        || row
            .collection
            .path()
            .ends_with("targetedManagedAppConfigurations");
    if configures {
        "configures_app"
    } else {
        "protects_app"
    }
}

/// Whether policies of a collection name their apps.
pub(super) fn names_apps(collection: &Collection) -> bool {
    [
        "/deviceAppManagement/targetedManagedAppConfigurations",
        "/deviceAppManagement/iosManagedAppProtections",
        "/deviceAppManagement/androidManagedAppProtections",
        "/deviceAppManagement/windowsManagedAppProtections",
        "/deviceAppManagement/defaultManagedAppProtections",
    ]
    .contains(&collection.path())
}

/// The apps that such a policy is for.
pub(super) fn apps(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let path = row.collection.path();
    let kind = link_kind(row);
    let (identifier, member) = if path.ends_with("androidManagedAppProtections") {
        ("androidMobileAppIdentifier", "packageId")
    } else if path.ends_with("windowsManagedAppProtections") {
        ("windowsAppIdentifier", "windowsAppId")
    } else {
        ("iosMobileAppIdentifier", "bundleId")
    };
    let mut rng = row.rng(Purpose::Navigation);
    let first = rng.below(50);
    (0..1 + rng.below(4))
        .map(|step| {
            let app = format!("com.microsoft.app{}", first + step);
            links.add(kind, "app_identifier", &app, &[]);
            let mut named = json!({"@odata.type": format!("#microsoft.graph.{identifier}")});
            named[member] = json!(app);
            json!({
                "id": format!("{app}.{}", if member == "bundleId" { "ios" } else { "android" }),
                "version": format!("{:016x}", rng.next()),
                "mobileAppIdentifier": named,
            })
        })
        .collect()
}
