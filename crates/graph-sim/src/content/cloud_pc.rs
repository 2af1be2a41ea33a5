//! Payloads of Windows 365.

use serde_json::{Value, json};

use super::{Links, Rng, Row, places};

/// A policy that says how Cloud PCs are made.
pub(super) fn policy(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let custom = rng.percent(50);
    let image = if custom {
        let image = row.one_in(places::IMAGES, rng);
        links.one("uses_image", "cloud_pc_image", image)
    } else {
        json!("MicrosoftWindowsDesktop_windows-ent-cpc_win11-24h2-ent-cpc")
    };
    let connection = rng.percent(60).then(|| {
        let connection = row.one_in(places::CONNECTIONS, rng);
        links.one("uses_connection", "cloud_pc_connection", connection)
    });
    json!({
        "cloudPcNamingTemplate": "CPC-%USERNAME:5%-%RAND:5%",
        "provisioningType": "dedicated",
        "imageType": if custom { "custom" } else { "gallery" },
        "imageId": image,
        "imageDisplayName": "Windows 11",
        "domainJoinConfigurations": [{
            "domainJoinType": if connection.is_some() { "hybridAzureADJoin" } else { "azureADJoin" },
            "onPremisesConnectionId": connection,
            "regionName": "automatic",
        }],
        "windowsSetting": {"locale": "de-DE"},
        "enableSingleSignOn": rng.percent(80),
    })
}

/// What users of Cloud PCs may do.
pub(super) fn user_setting(rng: &mut Rng) -> Value {
    json!({
        "selfServiceEnabled": rng.percent(50),
        "localAdminEnabled": rng.percent(20),
        "resetEnabled": rng.percent(50),
        "restorePointSetting": {"frequencyType": "twelveHours", "userRestoreEnabled": true},
    })
}
