//! Payloads of apps and of what protects them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::configuration::merge;
use super::row::View;
use super::{Rng, Row};
use crate::collections::Shape;

/// An app, by its type.
pub(super) fn mobile_app(row: &Row<'_>, view: View, rng: &mut Rng) -> Value {
    let icon = view
        .item
        .then(|| json!({"type": "image/png", "value": STANDARD.encode("not a picture")}));
    let mut app = json!({
        "publisher": rng.pick(&["Contoso", "Microsoft", "Fabrikam Ltd.", "Müller & Söhne"]),
        "largeIcon": icon,
        "isFeatured": rng.percent(10),
        "privacyInformationUrl": null,
        "informationUrl": rng.percent(30).then_some("https://example.com/app"),
        "owner": "",
        "developer": "",
        "notes": "",
        "publishingState": "published",
        "uploadState": 1,
        "dependentAppCount": 0,
        "supersedingAppCount": 0,
        "supersededAppCount": 0,
    });
    let kind = row.odata_type().unwrap_or_default();
    let own = if row.object.built_in {
        json!({"appAvailability": "global", "version": null})
    } else {
        match kind.trim_start_matches("#microsoft.graph.") {
            "win32LobApp" => json!({
                "committedContentVersion": "1",
                "fileName": "setup.intunewin",
                "size": 1_000_000 + rng.below(900_000_000),
                "installCommandLine": format!("setup.exe /quiet KEY={:012x}", rng.next() >> 16),
                "uninstallCommandLine": "setup.exe /uninstall /quiet",
                "rules": [{
                    "@odata.type": "#microsoft.graph.win32LobAppFileSystemRule",
                    "ruleType": "detection",
                    "path": "C:\\Program Files\\App",
                    "fileOrFolderName": "app.exe",
                    "check32BitOn64System": false,
                    "operationType": "exists",
                }],
                "returnCodes": [{"returnCode": 0, "type": "success"}],
                "installExperience": {"runAsAccount": "system", "deviceRestartBehavior": "suppress"},
                "displayVersion": format!("{}.{}", rng.below(20), rng.below(10)),
            }),
            "iosVppApp" => json!({
                "bundleId": format!("com.example.app{}", rng.below(1_000)),
                "vppTokenId": row.id_in(Shape::VppToken, 0),
                "vppTokenAppleId": "apps@example.com",
                "totalLicenseCount": 100,
                "usedLicenseCount": rng.below(100),
            }),
            "webApp" => json!({"appUrl": "https://example.com/portal", "useManagedBrowser": false}),
            _ => json!({"appStoreUrl": "https://example.com/store/app"}),
        }
    };
    merge(&mut app, own);
    app
}

/// A configuration of a managed app.
pub(super) fn app_configuration(row: &Row<'_>, rng: &mut Rng) -> Value {
    let mut configuration = json!({"targetedMobileApps": [row.id_in(Shape::MobileApp, 0)]});
    let android = row
        .odata_type()
        .is_some_and(|kind| kind.ends_with("androidManagedStoreAppConfiguration"));
    let own = if android {
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
pub(super) fn managed_app_policy(rng: &mut Rng) -> Value {
    json!({
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
        "deployedAppCount": rng.below(60),
        "appGroupType": rng.pick(&["allCoreMicrosoftApps", "selectedPublicApps"]),
        "targetedAppManagementLevels": "unspecified",
        "exemptedAppPackages": [],
    })
}

/// A token of Apple's volume purchase programme.
pub(super) fn vpp_token(rng: &mut Rng) -> Value {
    json!({
        "organizationName": "Contoso",
        "vppTokenAccountType": "business",
        "appleId": "apps@example.com",
        "expirationDateTime": "2030-01-01T00:00:00Z",
        "lastSyncDateTime": "2025-01-01T00:00:00Z",
        "token": format!("vpp-{:016x}", rng.next()),
        "state": "valid",
        "lastSyncStatus": "completed",
        "automaticallyUpdateApps": rng.percent(50),
        "countryOrRegion": "de",
    })
}

/// A token of Apple's automated device enrolment.
pub(super) fn dep_token(rng: &mut Rng) -> Value {
    json!({
        "appleIdentifier": "ade@example.com",
        "tokenType": "dep",
        "tokenExpirationDateTime": "2030-01-01T00:00:00Z",
        "syncedDeviceCount": rng.below(500),
        "lastSyncErrorCode": 0,
        "lastSuccessfulSyncDateTime": "2025-01-01T00:00:00Z",
    })
}
