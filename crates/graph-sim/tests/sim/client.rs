//! A client for tests. It follows links as they are and knows nothing of the simulator's inside.

use std::collections::{BTreeMap, BTreeSet};

use atlas_graph_sim::{AnswerItem, AnswerKey, Kind, Simulator, SimulatorOptions, collections};
use reqwest::{Response, StatusCode};
use serde_json::Value;

pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const OTHER_TENANT: &str = "99999999-2222-4333-8444-555555555555";
pub(crate) const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";
pub(crate) const POLICIES: &str = "/beta/deviceManagement/configurationPolicies";

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: String,
}

/// A simulator with these options and a client that is signed in to [`TENANT`].
pub(crate) async fn start(options: SimulatorOptions) -> (Simulator, Client) {
    let simulator = Simulator::start(options).await;
    let client = Client::sign_in(simulator.base_url(), TENANT).await;
    (simulator, client)
}

pub(crate) async fn ask_for_token(base: &str, tenant: &str, form: &[(&str, &str)]) -> Response {
    reqwest::Client::new()
        .post(format!("{base}/{tenant}/oauth2/v2.0/token"))
        .form(form)
        .send()
        .await
        .unwrap()
}

pub(crate) const GOOD_FORM: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", CLIENT_ID),
    ("client_secret", "simulator-secret"),
    ("scope", "https://graph.microsoft.com/.default"),
];

impl Client {
    pub(crate) async fn sign_in(base: &str, tenant: &str) -> Self {
        let answer = ask_for_token(base, tenant, &GOOD_FORM).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        Self {
            http: reqwest::Client::new(),
            base: base.to_owned(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn request(&self, url: &str) -> reqwest::RequestBuilder {
        self.http
            .get(url)
            .bearer_auth(&self.token)
            .header("Prefer", "include-unknown-enum-members")
    }

    /// Asks for a path, with the version and perhaps a query.
    pub(crate) async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        self.request(&url).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// The pages of a list, to its end.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Value> {
        let mut url = format!("{}{path}", self.base);
        let mut seen = BTreeSet::new();
        let mut pages = Vec::new();
        loop {
            assert!(seen.insert(url.clone()), "a link repeats: {url}");
            let answer = self.request(&url).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{url}");
            let page: Value = answer.json().await.unwrap();
            let next = page["@odata.nextLink"].as_str().map(str::to_owned);
            pages.push(page);
            match next {
                Some(next) => url = next,
                None => return pages,
            }
        }
    }

    /// The rows of a list, to its end.
    pub(crate) async fn rows(&self, path: &str) -> Vec<Value> {
        let pages = self.pages(path).await;
        pages
            .iter()
            .flat_map(|page| page["value"].as_array().unwrap().clone())
            .collect()
    }

    /// Reads a whole tenant, as an inventory does. `expandable` says for a path whether its list
    /// is read with assignments.
    pub(crate) async fn inventory(&self, expandable: &dyn Fn(&str) -> bool) -> AnswerKey {
        let mut inventory: AnswerKey = BTreeMap::new();
        for collection in collections() {
            for key in collection.keys() {
                inventory.insert(key.to_owned(), Vec::new());
            }
            let path = format!("/{}{}", collection.version(), collection.path());
            let expanded = expandable(collection.keys().next().unwrap());
            let rows = match collection.kind() {
                Kind::List if expanded => self.rows(&format!("{path}?$expand=assignments")).await,
                Kind::List => self.rows(&path).await,
                Kind::Singleton => vec![self.json(&path).await],
                Kind::Children => self.children(&path).await,
                Kind::DelegatedOnly => Vec::new(),
            };
            let keys: Vec<&str> = collection.keys().collect();
            for row in rows.iter().filter(|row| !is_microsofts(row)) {
                let items = inventory.entry(key_of(&keys, row).to_owned()).or_default();
                items.push(item(collection.path(), row, expanded));
            }
        }
        for items in inventory.values_mut() {
            items.sort();
        }
        inventory
    }

    async fn children(&self, path: &str) -> Vec<Value> {
        let (parents, rest) = path.split_once("/{").unwrap();
        let (placeholder, _) = rest.split_once('}').unwrap();
        let mut rows = Vec::new();
        for parent in self.rows(parents).await {
            let id = parent["id"].as_str().unwrap();
            let own = path.replace(&format!("{{{placeholder}}}"), &segment(id));
            rows.extend(self.rows(&own).await);
        }
        rows
    }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

fn is_microsofts(row: &Value) -> bool {
    row["isGlobalScript"] == true
        || row["isBuiltIn"] == true && row.get("rolePermissions").is_some()
        || row["appAvailability"] == "global" && row["isAssigned"] == false
}

fn item(path: &str, row: &Value, expanded: bool) -> AnswerItem {
    let id = row["id"]
        .as_str()
        .or(row["tenantId"].as_str())
        .unwrap_or_else(|| panic!("{path}: a row has no id: {row}"))
        .to_owned();
    let names = [
        "name",
        "displayName",
        "profileName",
        "fileName",
        "tokenName",
        "importedDeviceIdentifier",
        "instanceUrl",
        "ownerUserPrincipalName",
    ];
    let name = names.iter().find_map(|name| row[*name].as_str());
    AnswerItem {
        name: name.unwrap_or(&id).to_owned(),
        id,
        assignment_count: expanded.then(|| row["assignments"].as_array().unwrap().len()),
    }
}

/// The policy type of a row, by the documented discriminators.
fn key_of<'a>(keys: &[&'a str], row: &Value) -> &'a str {
    let [first, ..] = keys else {
        panic!("a collection without keys");
    };
    if keys.len() == 1 {
        return first;
    }
    let kind = row["@odata.type"].as_str().unwrap_or_default();
    let family = row["templateReference"]["templateFamily"].as_str();
    let key = match (kind.trim_start_matches("#microsoft.graph."), family) {
        (_, Some("endpointSecurityAntivirus")) => "endpointSecurityAntivirus",
        (_, Some("endpointSecurityDiskEncryption")) => "endpointSecurityDiskEncryption",
        (_, Some("endpointSecurityFirewall")) => "endpointSecurityFirewall",
        (_, Some("endpointSecurityEndpointDetectionAndResponse")) => "endpointSecurityEdr",
        (_, Some("endpointSecurityAttackSurfaceReduction")) => {
            "endpointSecurityAttackSurfaceReduction"
        }
        (_, Some("endpointSecurityAccountProtection")) => "endpointSecurityAccountProtection",
        (_, Some("endpointSecurityApplicationControl")) => "endpointSecurityApplicationControl",
        (_, Some("endpointSecurityEndpointPrivilegeManagement")) => {
            "endpointSecurityPrivilegeManagement"
        }
        (_, Some("baseline")) => "securityBaselinePolicy",
        (_, Some("deviceConfigurationScripts")) => "linuxScriptPolicy",
        (_, Some("deviceConfigurationPolicies")) => "deviceConfigurationPolicyTemplateFamily",
        (_, Some("enrollmentConfiguration")) => "autopilotDevicePreparationPolicy",
        (_, Some("appQuietTime")) => "appQuietTimePolicy",
        (
            _,
            Some(
                "windowsOsRecoveryPolicies"
                | "windowsRecoveryAndRemediationConfiguration"
                | "maintenanceWindows",
            ),
        ) => "windowsRecoveryPolicy",
        (_, Some(_)) => "settingsCatalogPolicy",
        ("deviceEnrollmentLimitConfiguration", _) => "enrollmentLimitRestriction",
        (
            "deviceEnrollmentPlatformRestrictionsConfiguration"
            | "deviceEnrollmentPlatformRestrictionConfiguration",
            _,
        ) => "enrollmentPlatformRestriction",
        ("windows10EnrollmentCompletionPageConfiguration", _) => "enrollmentStatusPage",
        ("deviceEnrollmentWindowsHelloForBusinessConfiguration", _) => {
            "windowsHelloForBusinessEnrollment"
        }
        ("deviceComanagementAuthorityConfiguration", _) => "coManagementAuthority",
        ("deviceEnrollmentNotificationConfiguration", _) => "enrollmentNotification",
        ("windowsRestoreDeviceEnrollmentConfiguration", _) => "windowsRestoreEnrollment",
        ("windowsUpdateForBusinessConfiguration", _) => "windowsUpdateRing",
        ("iosUpdateConfiguration", _) => "iosUpdateConfiguration",
        ("macOSSoftwareUpdateConfiguration", _) => "macOSSoftwareUpdateConfiguration",
        ("androidManagedStoreAppConfiguration", _) if row["appSupportsOemConfig"] == true => {
            "androidOemConfig"
        }
        _ => first,
    };
    keys.iter()
        .find(|one| **one == key)
        .unwrap_or_else(|| panic!("a row of {key} stands in the list of {keys:?}"))
}

/// Which policy types' lists carry assignments, from an answer key.
pub(crate) fn lists_with_assignments(answer: &AnswerKey) -> impl Fn(&str) -> bool + use<> {
    let keys: BTreeSet<String> = answer
        .iter()
        .filter(|(_, items)| items.iter().any(|item| item.assignment_count.is_some()))
        .map(|(key, _)| key.clone())
        .collect();
    move |key| keys.contains(key)
}
