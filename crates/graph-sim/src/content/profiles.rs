//! Payloads of device configuration profiles, by their type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::identity::Purpose;
use super::navigation::{Held, reference_to};
use super::{Links, Rng, Row, cast_navigations, merge, places};

/// How many profiles are looked at for one that is a certificate.
const LOOKED_AT: usize = 60;

/// A profile made from a template.
pub(super) fn profile(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let edition = (row.object.nested > 0).then(|| {
        json!({
            "osEditionTypes": ["windows10Enterprise"],
            "name": format!("Rule {}", row.object.nested),
            "ruleType": "include",
        })
    });
    let mut profile = json!({
        "supportsScopeTags": true,
        "deviceManagementApplicabilityRuleOsEdition": edition,
        "deviceManagementApplicabilityRuleOsVersion": null,
        "deviceManagementApplicabilityRuleDeviceMode": null,
    });
    merge(&mut profile, own_members(row, rng, links));
    profile
}

fn own_members(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    match row.short_type() {
        "windows10CustomConfiguration" => json!({"omaSettings": oma_settings(row, rng)}),
        "iosWiFiConfiguration" | "macOSWiFiConfiguration" | "windows10XWifiConfiguration" => {
            json!({
                "networkName": "Office",
                "ssid": format!("corp-{}", rng.below(100)),
                "connectAutomatically": true,
                "wiFiSecurityType": "wpa2Personal",
                "preSharedKey": format!("psk-{:016x}", row.secret(rng)),
                "proxySettings": "automatic",
                "proxyAutomaticConfigurationUrl": row.proxy_url("/proxy.pac"),
            })
        }
        "iosEnterpriseWiFiConfiguration" | "androidDeviceOwnerEnterpriseWiFiConfiguration" => {
            json!({
                "networkName": "Office",
                "ssid": format!("corp-{}", rng.below(100)),
                "wiFiSecurityType": "wpaEnterprise",
                "eapType": "eapTls",
                "trustedServerCertificateNames": ["radius.example.com"],
            })
        }
        "iosVpnConfiguration" => {
            let site = rng.percent(50).then(|| {
                let site = row.one_in(places::TUNNEL_SITES, rng);
                links.one("uses_tunnel_site", "tunnel_site", site)
            });
            json!({
                "connectionName": "Office",
                "connectionType": "microsoftTunnel",
                "authenticationMethod": "certificate",
                "server": {"address": "vpn.example.com", "isDefaultServer": true},
                "microsoftTunnelSiteId": site,
            })
        }
        "windows81SCEPCertificateProfile" => json!({
            "scepServerUrls": ["https://scep.example.com"],
            "subjectNameFormatString": "CN={{AAD_Device_ID}}",
            "keySize": "size2048",
            "renewalThresholdPercentage": 20,
        }),
        "macOSCustomConfiguration" => json!({
            "payloadName": "profile.mobileconfig",
            "payloadFileName": "profile.mobileconfig",
            "payload": STANDARD.encode(format!("<plist><string>{:016x}</string></plist>", row.secret(rng))),
        }),
        "iosTrustedRootCertificate" | "windows10XTrustedRootCertificate" => json!({
            "certFileName": "root.cer",
            "trustedRootCertificate": STANDARD.encode(rng.guid()),
        }),
        "windowsUpdateForBusinessConfiguration" => json!({
            "qualityUpdatesDeferralPeriodInDays": rng.below(15),
            "featureUpdatesDeferralPeriodInDays": rng.below(120),
            "qualityUpdatesPaused": false,
            "featureUpdatesPaused": false,
            "businessReadyUpdatesOnly": "userDefined",
            "automaticUpdateMode": "autoInstallAtMaintenanceTime",
            "installationSchedule": {
                "@odata.type": "#microsoft.graph.windowsUpdateActiveHoursInstall",
                "activeHoursStart": "08:00:00.0000000",
                "activeHoursEnd": "17:00:00.0000000",
            },
        }),
        "iosUpdateConfiguration" => json!({
            "enforcedSoftwareUpdateDelayInDays": rng.below(30),
            "desiredOsVersion": "17.4.1",
            "scheduledInstallDays": [],
            "updateScheduleType": "updateOutsideOfActiveHours",
        }),
        "macOSSoftwareUpdateConfiguration" => json!({
            "criticalUpdateBehavior": "installASAP",
            "updateScheduleType": "alwaysUpdate",
            "priority": "high",
        }),
        _ => json!({
            "passwordRequired": rng.percent(70),
            "passwordMinimumLength": 4 + rng.below(10),
            "cameraBlocked": rng.percent(20),
            "cortanaBlocked": rng.percent(20),
            "storageRequireEncryption": rng.percent(80),
        }),
    }
}

fn oma_settings(row: &Row<'_>, rng: &mut Rng) -> Vec<Value> {
    (0..1 + rng.below(4))
        .map(|number| {
            let encrypted = number == 0 || rng.percent(30);
            let secret = row.secret(rng);
            json!({
                "@odata.type": "#microsoft.graph.omaSettingString",
                "displayName": format!("Custom setting {number}"),
                "description": null,
                "omaUri": format!("./Device/Vendor/MSFT/Policy/Config/Custom/Setting{number}"),
                "isEncrypted": encrypted,
                "secretReferenceValueId": encrypted.then(|| format!("{:032x}", u128::from(secret) << 32)),
                "value": if encrypted { "****".to_owned() } else { format!("password={secret:x}") },
            })
        })
        .collect()
}

/// Certificates and credentials of a profile.
pub(super) fn navigate(row: &Row<'_>, name: &str, links: &mut Links) -> Option<Held> {
    let known = cast_navigations(row.short_type());
    let place = known.iter().position(|one| one.name == name)?;
    let mut rng = Rng::from_parts(&[
        row.rng(Purpose::Navigation).next(),
        u64::try_from(place).unwrap_or(0),
    ]);
    let mut certificate = |rng: &mut Rng| {
        let id = certificate(row, rng);
        links.add("uses_certificate", "device_configuration", &id, &[]);
        reference_to("#microsoft.graph.iosTrustedRootCertificate", &id)
    };
    Some(match name {
        "rootCertificatesForServerValidation" => Held::Many(
            (0..1 + rng.below(2))
                .map(|_| certificate(&mut rng))
                .collect(),
        ),
        "derivedCredentialSettings" => {
            let derived = rng.percent(40).then(|| {
                let id = row.one_in(places::DERIVED_CREDENTIALS, &mut rng);
                links.add("uses_derived_credential", "derived_credential", &id, &[]);
                json!({"id": id, "displayName": "Derived credentials", "issuer": "intercede"})
            });
            Held::One(json!(derived))
        }
        _ if rng.percent(20) => Held::One(Value::Null),
        _ => Held::One(certificate(&mut rng)),
    })
}

/// The id of a profile that is a certificate, or of one that was.
fn certificate(row: &Row<'_>, rng: &mut Rng) -> String {
    let count = row.count_of(places::PROFILES);
    let first = rng.below(count);
    (0..LOOKED_AT.min(count))
        .filter_map(|step| row.other(places::PROFILES, (first + step) % count))
        .find(|other| other.short_type() == "iosTrustedRootCertificate")
        .map_or_else(|| rng.guid(), |other| other.id())
}
