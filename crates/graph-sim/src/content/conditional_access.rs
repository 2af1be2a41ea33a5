//! Payloads of conditional access.

use serde_json::{Value, json};

use super::{Links, Rng, Row, places};

/// Template ids of directory roles, the same in every tenant.
const ROLES: [&str; 3] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
];
/// Application ids of Microsoft's own services.
const APPLICATIONS: [&str; 2] = [
    "00000002-0000-0ff1-ce00-000000000000",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
];

/// A conditional access policy.
pub(super) fn policy(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let workload = rng.percent(10);
    let contexts = if rng.percent(30) {
        vec![row.one_in(places::CONTEXTS, rng)]
    } else {
        Vec::new()
    };
    let grant = rng.percent(90).then(|| grant_controls(row, rng, links));
    json!({
        "templateId": rng.percent(20).then(|| rng.guid()),
        "state": rng.pick(&["enabled", "disabled", "enabledForReportingButNotEnforced"]),
        "conditions": {
            "userRiskLevels": [],
            "signInRiskLevels": if rng.percent(20) { vec!["high"] } else { Vec::new() },
            "servicePrincipalRiskLevels": [],
            "clientAppTypes": ["all"],
            "platforms": rng.percent(30).then(|| json!({
                "includePlatforms": ["all"],
                "excludePlatforms": ["linux"],
            })),
            "locations": locations(row, rng, links),
            "times": null,
            "devices": rng.percent(20).then(|| json!({
                "deviceFilter": {"mode": "exclude", "rule": "device.trustType -eq \"ServerAD\""},
            })),
            "clientApplications": workload.then(|| {
                let principal = rng.guid();
                json!({
                    "includeServicePrincipals":
                        links.all("targets", "service_principal", &[principal]),
                    "excludeServicePrincipals": [],
                })
            }),
            "applications": applications(rng, &contexts, links),
            "users": users(row, workload, rng, links),
        },
        "grantControls": grant,
        "sessionControls": {
            "signInFrequency": {
                "value": 4 + row.object.nested,
                "type": "hours",
                "isEnabled": true,
            },
        },
    })
}

fn locations(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    if !rng.percent(50) {
        return Value::Null;
    }
    let place = row.one_in(places::LOCATIONS, rng);
    let (include, exclude) = if rng.percent(50) {
        links.add("uses_location", "special", "All", &[]);
        let excluded = if rng.percent(30) {
            links.one("excludes_location", "special", "AllTrusted".to_owned())
        } else {
            links.one("excludes_location", "named_location", place)
        };
        (json!(["All"]), json!([excluded]))
    } else {
        (
            json!([links.one("uses_location", "named_location", place)]),
            json!([]),
        )
    };
    json!({"includeLocations": include, "excludeLocations": exclude})
}

fn applications(rng: &mut Rng, contexts: &[String], links: &mut Links) -> Value {
    let include = if !contexts.is_empty() {
        json!([])
    } else if rng.percent(60) {
        links.add("targets", "special", "All", &[]);
        json!(["All"])
    } else {
        let application = rng.pick(&APPLICATIONS).to_owned();
        json!([
            links.one("targets", "application", application),
            links.one("targets", "special", "Office365".to_owned()),
        ])
    };
    let exclude = if rng.percent(20) {
        let application = rng.guid();
        json!([links.one("excludes", "application", application)])
    } else {
        json!([])
    };
    json!({
        "includeApplications": include,
        "excludeApplications": exclude,
        "includeUserActions": [],
        "includeAuthenticationContextClassReferences":
            links.all("uses_authentication_context", "authentication_context", contexts),
        "applicationFilter": null,
    })
}

fn users(row: &Row<'_>, workload: bool, rng: &mut Rng, links: &mut Links) -> Value {
    let group = |rng: &mut Rng| row.one_in(places::GROUPS, rng);
    let mut users = json!({
        "includeUsers": [],
        "excludeUsers": [],
        "includeGroups": [],
        "excludeGroups": [],
        "includeRoles": [],
        "excludeRoles": [],
        "includeGuestsOrExternalUsers": null,
    });
    match rng.below(4) {
        _ if workload => {
            users["includeUsers"] = json!([links.one("targets", "special", "None".to_owned())]);
        }
        0 | 1 => users["includeUsers"] = json!([links.one("targets", "special", "All".to_owned())]),
        2 => {
            let ids = [group(rng), group(rng)];
            users["includeGroups"] = links.all("targets", "group", &ids);
            let user = rng.guid();
            users["includeUsers"] = json!([links.one("targets", "user", user)]);
        }
        _ => {
            let role = rng.pick(&ROLES).to_owned();
            users["includeRoles"] = json!([links.one("targets", "directory_role", role)]);
        }
    }
    // An account to break the glass with, and a group of such.
    let account = rng.guid();
    let excluded = group(rng);
    users["excludeUsers"] = if rng.percent(30) {
        json!([links.one("excludes", "special", "GuestsOrExternalUsers".to_owned())])
    } else {
        json!([links.one("excludes", "user", account)])
    };
    users["excludeGroups"] = links.all("excludes", "group", &[excluded]);
    if rng.percent(20) {
        let role = rng.pick(&ROLES).to_owned();
        users["excludeRoles"] = json!([links.one("excludes", "directory_role", role)]);
    }
    users
}

fn grant_controls(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let strength = rng.percent(30).then(|| {
        let id = row.one_in(places::STRENGTHS, rng);
        json!({
            "id": links.one("uses_authentication_strength", "authentication_strength", id),
            "displayName": "Phishing-resistant",
            "policyType": "custom",
        })
    });
    let terms = if rng.percent(20) {
        vec![row.one_in(places::TERMS, rng)]
    } else {
        Vec::new()
    };
    let controls = match &strength {
        Some(_) => json!([]),
        None => json!([rng.pick(&["mfa", "block", "compliantDevice"])]),
    };
    json!({
        "operator": "OR",
        "builtInControls": controls,
        "customAuthenticationFactors": [],
        "termsOfUse": links.all("uses_terms", "terms_of_use", &terms),
        "authenticationStrength": strength,
    })
}

/// A named location, by its type.
pub(super) fn named_location(row: &Row<'_>, rng: &mut Rng) -> Value {
    if row.short_type() == "countryNamedLocation" {
        json!({
            "countriesAndRegions": ["DE", "CH"],
            "includeUnknownCountriesAndRegions": rng.percent(20),
            "countryLookupMethod": "clientIpAddress",
        })
    } else {
        json!({
            "isTrusted": rng.percent(60),
            "ipRanges": [{
                "@odata.type": "#microsoft.graph.iPv4CidrRange",
                "cidrAddress": format!("192.0.2.{}/32", rng.below(256)),
            }],
        })
    }
}
