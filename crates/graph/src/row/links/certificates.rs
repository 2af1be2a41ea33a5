//! Profiles that lean on other profiles: certificates, derived credentials, tunnel sites.
//!
//! Graph shows which certificates a profile uses by navigation properties of the profile's kind,
//! and by nothing else, so profiles of these kinds are read by themselves.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, kind_of};

const IDENTITY: &str = "identityCertificate";
const CLIENT: &str = "identityCertificateForClientAuthentication";
const SECOND_CLIENT: &str = "secondaryIdentityCertificateForClientAuthentication";
const SERVER: &str = "rootCertificateForServerValidation";
const SERVERS: &str = "rootCertificatesForServerValidation";
const CLIENT_ROOT: &str = "rootCertificateForClientValidation";
const SECOND_CLIENT_ROOT: &str = "secondaryRootCertificateForClientValidation";
const CLIENT_ROOTS: &str = "rootCertificatesForClientValidation";
const ROOT: &str = "rootCertificate";
const SIGNING: &str = "smimeSigningCertificate";
const ENCRYPTION: &str = "smimeEncryptionCertificate";
const SINGLE_SIGN_ON: &str = "singleSignOnExtensionPkinitCertificate";
const DERIVED: &str = "derivedCredentialSettings";

/// Kinds of profiles and their navigation properties to other profiles (Microsoft Graph beta).
const KINDS: [(&[&str], &[&str]); 15] = [
    (
        &[
            "androidDeviceOwnerDerivedCredentialAuthenticationConfiguration",
            "iosDerivedCredentialAuthenticationConfiguration",
        ],
        &[DERIVED],
    ),
    (
        &[
            "androidDeviceOwnerVpnConfiguration",
            "iosVpnConfiguration",
            "iosikEv2VpnConfiguration",
        ],
        &[IDENTITY, DERIVED],
    ),
    (
        &["iosEasEmailProfileConfiguration"],
        &[IDENTITY, SIGNING, ENCRYPTION, DERIVED],
    ),
    (
        &["androidDeviceOwnerEnterpriseWiFiConfiguration"],
        &[CLIENT, SERVER, SERVERS, DERIVED],
    ),
    (
        &["iosEnterpriseWiFiConfiguration"],
        &[CLIENT, SERVERS, DERIVED],
    ),
    (
        &[
            "androidForWorkEasEmailProfileBase",
            "androidForWorkGmailEasConfiguration",
            "androidForWorkNineWorkEasConfiguration",
            "androidForWorkVpnConfiguration",
            "androidVpnConfiguration",
            "androidWorkProfileEasEmailProfileBase",
            "androidWorkProfileGmailEasConfiguration",
            "androidWorkProfileNineWorkEasConfiguration",
            "androidWorkProfileVpnConfiguration",
            "macOSVpnConfiguration",
            "windows10VpnConfiguration",
            "windowsPhone81VpnConfiguration",
        ],
        &[IDENTITY],
    ),
    (
        &["androidEasEmailProfileConfiguration"],
        &[IDENTITY, SIGNING],
    ),
    (
        &["windowsWifiEnterpriseEAPConfiguration"],
        &[CLIENT, CLIENT_ROOT, SERVERS],
    ),
    (
        &["windowsWiredNetworkConfiguration"],
        &[
            CLIENT,
            CLIENT_ROOT,
            SERVERS,
            SECOND_CLIENT,
            SECOND_CLIENT_ROOT,
        ],
    ),
    (
        &[
            "androidEnterpriseWiFiConfiguration",
            "androidForWorkEnterpriseWiFiConfiguration",
            "androidWorkProfileEnterpriseWiFiConfiguration",
            "aospDeviceOwnerEnterpriseWiFiConfiguration",
            "iosWiredNetworkConfiguration",
            "macOSWiredNetworkConfiguration",
        ],
        &[CLIENT, SERVER],
    ),
    (
        &["macOSEnterpriseWiFiConfiguration"],
        &[CLIENT, SERVER, SERVERS],
    ),
    (
        &["iosDeviceFeaturesConfiguration"],
        &[CLIENT, SINGLE_SIGN_ON],
    ),
    (
        &[
            "androidCertificateProfileBase",
            "androidDeviceOwnerCertificateProfileBase",
            "androidDeviceOwnerImportedPFXCertificateProfile",
            "androidDeviceOwnerPkcsCertificateProfile",
            "androidDeviceOwnerScepCertificateProfile",
            "androidForWorkCertificateProfileBase",
            "androidForWorkImportedPFXCertificateProfile",
            "androidForWorkPkcsCertificateProfile",
            "androidForWorkScepCertificateProfile",
            "androidImportedPFXCertificateProfile",
            "androidPkcsCertificateProfile",
            "androidScepCertificateProfile",
            "androidWorkProfileCertificateProfileBase",
            "androidWorkProfilePkcsCertificateProfile",
            "androidWorkProfileScepCertificateProfile",
            "aospDeviceOwnerCertificateProfileBase",
            "aospDeviceOwnerPkcsCertificateProfile",
            "aospDeviceOwnerScepCertificateProfile",
            "iosScepCertificateProfile",
            "macOSScepCertificateProfile",
            "windows81SCEPCertificateProfile",
            "windowsPhone81SCEPCertificateProfile",
        ],
        &[ROOT],
    ),
    (&["windowsZtdnsConfiguration"], &[CLIENT_ROOTS, SERVERS]),
    (&["macOSDeviceFeaturesConfiguration"], &[SINGLE_SIGN_ON]),
];

pub(super) fn of_profile(profile: &Value, found: &mut Gathered) {
    found.add(
        LinkKind::UsesTunnelSite,
        TargetKind::TunnelSite,
        profile.get("microsoftTunnelSiteId"),
    );
}

/// The kind of a profile that has to be read by itself, and its navigation properties.
pub(crate) fn to_read(profile: &Value) -> Option<(&'static str, &'static [&'static str])> {
    let kind = kind_of(profile);
    KINDS.iter().find_map(|(kinds, properties)| {
        let known = kinds.iter().find(|known| **known == kind)?;
        Some((*known, *properties))
    })
}

/// A profile as it is read by itself, with its navigation properties expanded: one object, several,
/// or none each.
pub(crate) fn of_details(profile: &Value, found: &mut Gathered) {
    let properties = KINDS.iter().flat_map(|(_, properties)| *properties);
    let mut properties: Vec<&str> = properties.copied().collect();
    properties.sort_unstable();
    properties.dedup();
    for property in properties {
        let Some(value) = profile.get(property) else {
            continue;
        };
        let several = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for one in several {
            let id = one.get("id");
            if property == DERIVED {
                let target = TargetKind::DerivedCredential;
                found.add(LinkKind::UsesDerivedCredential, target, id);
                continue;
            }
            let qualifier = Qualifier::from([("role".to_owned(), property.to_owned())]);
            let target = TargetKind::DeviceConfiguration;
            found.add_with(LinkKind::UsesCertificate, target, id, qualifier);
        }
    }
}
