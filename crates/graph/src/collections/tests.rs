//! Compares the registry's table of addresses with the domain's, and with what Graph accepts.

use std::collections::BTreeSet;

use super::*;

#[test]
fn both_tables_of_the_registry_have_the_same_keys() {
    let ours: BTreeSet<_> = collections().iter().map(|one| one.key.as_str()).collect();
    let domains: BTreeSet<_> = registry()
        .all()
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    let differing: Vec<_> = ours.symmetric_difference(&domains).collect();
    assert!(
        differing.is_empty(),
        "crates/graph/data/collections.json and crates/domain/data/policy_types.json do not both have \
         {differing:?}"
    );
    let mut keys = BTreeSet::new();
    for one in collections() {
        assert!(keys.insert(&one.key), "{} occurs twice", one.key);
        assert_eq!(
            one.shape == Shape::DelegatedOnly,
            !one.key().describe().app_only,
            "{}",
            one.key
        );
    }
}

#[test]
fn keys_that_share_a_list_agree_on_the_request_and_route_every_row_to_one_key() {
    let mut lists: BTreeMap<_, Vec<&Collection>> = BTreeMap::new();
    for one in collections() {
        lists
            .entry((&one.version, &one.path))
            .or_default()
            .push(one);
    }
    let paths: BTreeSet<_> = lists.keys().map(|(_, path)| path).collect();
    assert_eq!(paths.len(), lists.len(), "a path is read in two versions");
    for ((_, path), sharing) in lists {
        assert!(
            sharing.iter().all(|one| one.query == sharing[0].query
                && one.assignments == sharing[0].assignments
                && one.related == sharing[0].related),
            "{path}"
        );
        if sharing.len() == 1 {
            continue;
        }
        let routings: Vec<_> = sharing
            .iter()
            .map(|one| one.routing.as_ref().unwrap())
            .collect();
        let values: Vec<_> = routings.iter().flat_map(|one| &one.values).collect();
        let distinct: BTreeSet<_> = values.iter().map(|value| value.to_string()).collect();
        assert_eq!(
            distinct.len(),
            values.len(),
            "{path}: a value routes to two keys"
        );
        assert!(
            routings
                .iter()
                .all(|one| one.pointer == routings[0].pointer),
            "{path}"
        );
        assert!(
            routings.iter().filter(|one| one.otherwise).count() == 1,
            "{path}: a row that is not known must have its place"
        );
    }
}

#[test]
fn queries_expand_assignments_exactly_where_the_entry_says_so() {
    for one in collections() {
        assert_eq!(
            one.query.contains("$expand=assignments"),
            one.assignments == Assignments::ExpandList,
            "{}",
            one.key
        );
        assert!(one.path.starts_with('/'), "{}", one.key);
        assert!(
            ["beta", "v1.0"].contains(&one.version.as_str()),
            "{}",
            one.key
        );
        assert!(
            !one.query_without_assignments().contains("assignments"),
            "{}",
            one.key
        );
        assert_eq!(
            one.path.contains('{'),
            one.shape == Shape::Children,
            "{}",
            one.key
        );
    }
}

/// The option of a query, such as `$select`, cut at its commas.
fn option<'a>(query: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let given = query.split('&').find_map(|part| part.strip_prefix(name));
    given.map(|given| given.trim_start_matches('=').split(',').collect())
}

fn is_word(text: &str) -> bool {
    text.starts_with(|one: char| one.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[test]
fn paths_and_queries_are_such_as_graph_takes() {
    for one in collections() {
        let key = &one.key;
        for segment in one.path.split('/').skip(1) {
            let of_parent = segment.starts_with('{') && segment.ends_with("-id}");
            assert!(of_parent || is_word(segment), "{key}: {segment}");
        }
        assert!(one.path.matches('{').count() <= 1, "{key}");
        let mut options = BTreeSet::new();
        for part in one.query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap();
            assert!(
                ["$select", "$expand", "$top"].contains(&name),
                "{key}: {part}"
            );
            assert!(options.insert(name), "{key}: {name} twice");
            let legible = |byte: u8| byte.is_ascii_alphanumeric() || b",()$=".contains(&byte);
            assert!(
                !value.is_empty() && value.bytes().all(legible),
                "{key}: {part}"
            );
        }
        if let Some(top) = option(&one.query, "$top") {
            assert_eq!(one.shape, Shape::List, "{key}: only lists have pages");
            let rows: u32 = top[0].parse().unwrap();
            assert!((1..=1_000).contains(&rows), "{key}: {rows}");
        }
    }
}

#[test]
fn rows_carry_what_is_read_of_them() {
    for one in collections() {
        let key = &one.key;
        assert!(is_word(&one.id), "{key}");
        let properties = one.name.iter().chain(&one.scope_tags);
        assert!(properties.clone().all(|name| is_word(name)), "{key}");
        let given: BTreeSet<_> = one.name.iter().collect();
        assert_eq!(given.len(), one.name.len(), "{key}: a name property twice");
        // These have no name in Graph; there is one of each, or one per vendor.
        let nameless = ["mobileThreatDefenseConnector", "groupLifecyclePolicy"];
        assert_eq!(
            one.name.is_empty() && one.shape == Shape::List,
            nameless.contains(&key.as_str()),
            "{key}: the objects of a list are given apart by name"
        );
        if let Some(routing) = &one.routing {
            assert!(routing.pointer.starts_with('/'), "{key}");
            assert!(
                routing.otherwise || !routing.values.is_empty(),
                "{key}: no row is its own"
            );
        }
        // The type of a row comes without being selected.
        let Some(selected) = option(&one.query, "$select") else {
            continue;
        };
        let routed = one.routing.iter().map(|routing| &routing.pointer);
        let routed = routed.filter_map(|pointer| pointer.split('/').nth(1));
        let needed: Vec<&str> = [one.id.as_str()]
            .into_iter()
            .chain(properties.map(String::as_str))
            .chain(one.leave_out.keys().map(String::as_str))
            .chain(routed)
            .filter(|name| !name.starts_with('@'))
            .collect();
        for name in needed {
            assert!(selected.contains(&name), "{key}: {name} is not selected");
        }
    }
}

#[test]
fn what_is_read_for_an_object_exists_where_it_is_asked_for() {
    for one in collections() {
        let key = &one.key;
        let distinct: BTreeSet<_> = one.related.iter().map(|read| format!("{read:?}")).collect();
        assert_eq!(distinct.len(), one.related.len(), "{key}: a read twice");
        let below = one.assignments != Assignments::None || !one.related.is_empty();
        assert!(
            !below || one.shape == Shape::List,
            "{key}: only the rows of a list have addresses of their own"
        );
        for read in &one.related {
            let paths: &[&str] = match read {
                Related::App | Related::AppRelations => &["/deviceAppManagement/mobileApps"],
                Related::Certificates => &["/deviceManagement/deviceConfigurations"],
                Related::ComplianceRules => &["/deviceManagement/compliancePolicies"],
                Related::DefinitionFiles => &["/deviceManagement/groupPolicyConfigurations"],
                Related::PolicySetItems => &["/deviceAppManagement/policySets"],
                Related::ReusableSettings => &["/deviceManagement/configurationPolicies"],
                Related::RoleAssignment => &["/deviceManagement/roleAssignments"],
            };
            assert!(paths.contains(&one.path.as_str()), "{key}: {read:?}");
            assert_eq!(one.version, "beta", "{key}: {read:?}");
        }
    }
}

#[test]
fn each_service_is_read_with_permissions_of_its_own() {
    for one in collections() {
        for permission in &one.key().describe().permissions {
            let intune =
                permission.starts_with("DeviceManagement") || permission.starts_with("CloudPC.");
            let of_intune = one.path.starts_with("/deviceManagement")
                || one.path.starts_with("/deviceAppManagement");
            // What Intune's readers may see of the organization is enough.
            let shared = one.path == "/organization";
            assert!(
                intune == of_intune || shared,
                "{}: {permission} is no permission of the service at {}",
                one.key,
                one.path
            );
        }
    }
}

#[test]
fn dropping_the_assignments_keeps_what_else_is_expanded() {
    let without = |key: &str| {
        let one = collections().iter().find(|one| one.key == key);
        one.unwrap().query_without_assignments()
    };
    assert_eq!(without("settingsCatalogPolicy"), "$top=1000");
    assert_eq!(without("iosManagedAppProtection"), "$expand=apps");
    assert_eq!(
        without("deviceCompliancePolicy"),
        "$expand=scheduledActionsForRule($expand=scheduledActionConfigurations)&$top=1000"
    );
    assert_eq!(without("endpointSecurityIntent"), "$top=1000");
}

#[test]
fn kinds_are_known_for_lists_that_exist_and_cover_what_rows_are_routed_by() {
    for path in KINDS.keys() {
        assert!(collections().iter().any(|one| one.path == *path), "{path}");
    }
    for one in collections() {
        let Some(routing) = &one.routing else {
            continue;
        };
        if routing.pointer != "/@odata.type" {
            continue;
        }
        for value in &routing.values {
            let row = serde_json::json!({"@odata.type": value});
            assert!(!one.is_unknown_kind(&row), "{}: {value}", one.key);
        }
    }
}
