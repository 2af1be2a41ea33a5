//! Payloads of apps, and what apps lean on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::identity::Purpose;
use super::row::View;
use super::{Links, Rng, Row, merge, places};
use crate::collections::index_of;
use crate::directory::Directory;

/// An app, by its type.
pub(super) fn app(row: &Row<'_>, view: View<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let icon = view
        .item
        .then(|| json!({"type": "image/png", "value": STANDARD.encode("not a picture")}));
    let counts = Counts::of(row);
    let mut app = json!({
        "publisher": rng.pick(&["Contoso", "Microsoft", "Fabrikam Ltd.", "Müller & Söhne"]),
        "largeIcon": icon,
        "isFeatured": rng.percent(10),
        "privacyInformationUrl": null,
        "informationUrl": rng.percent(30).then_some("https://example.com/app"),
        "owner": "",
        "developer": "",
        "notes": note(row),
        "publishingState": "published",
        "uploadState": 1,
        "dependentAppCount": counts.dependent,
        "supersedingAppCount": counts.superseding,
        "supersededAppCount": counts.superseded,
    });
    let own = if row.object.built_in {
        json!({"appAvailability": "global", "version": null})
    } else {
        own_members(row, rng, links)
    };
    merge(&mut app, own);
    app
}

/// What somebody wrote beside an app.
fn note(row: &Row<'_>) -> String {
    if row.object.serial % 8 == 3 && !row.object.built_in {
        format!(
            "Downloads through {}, see CHG-2041.",
            row.proxy_url(":8080")
        )
    } else {
        String::new()
    }
}

fn own_members(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    match row.short_type() {
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
            "installExperience": {
                "runAsAccount": "system",
                "deviceRestartBehavior": "suppress",
                "maxRunTimeInMinutes": 60 + row.object.nested,
            },
            "displayVersion": format!("{}.{}", rng.below(20), rng.below(10)),
        }),
        "iosVppApp" | "macOsVppApp" => {
            let token = row.one_in(places::VPP_TOKENS, rng);
            json!({
                "bundleId": format!("com.example.app{}", rng.below(1_000)),
                "vppTokenId": links.one("uses_vpp_token", "vpp_token", token),
                "vppTokenAppleId": "apps@example.com",
                "totalLicenseCount": 100,
                "usedLicenseCount": rng.below(100) + usize::from(row.object.counted),
            })
        }
        "webApp" => json!({"appUrl": "https://example.com/portal", "useManagedBrowser": false}),
        _ => json!({"appStoreUrl": "https://example.com/store/app"}),
    }
}

/// The categories of an app.
pub(super) fn categories(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Navigation);
    rng.next();
    let known = row.count_of(places::APP_CATEGORIES);
    let first = rng.below(known);
    (0..rng.below(3).min(known))
        .filter(|_| !row.object.built_in)
        .filter_map(|step| row.other(places::APP_CATEGORIES, (first + step) % known))
        .map(|category| {
            let id = category.id();
            links.add("in_app_category", "mobile_app_category", &id, &[]);
            json!({"id": id, "displayName": category.name()})
        })
        .collect()
}

/// How an app leans on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Relation {
    target: String,
    /// Whether it replaces it; otherwise it needs it.
    supersedes: bool,
    /// The way in which it does.
    way: &'static str,
}

/// What an app replaces or needs: the one or two before it, so that it can be found from either
/// end.
fn relations(row: &Row<'_>) -> Vec<Relation> {
    if row.short_type() != "win32LobApp" || row.object.built_in {
        return Vec::new();
    }
    let mut rng = row.rng(Purpose::Navigation);
    let serial = usize::try_from(row.object.serial).unwrap_or(0);
    let before = |step: usize, rng: &mut Rng| {
        let dangling = rng.percent(5);
        // Microsoft's apps for everybody are not installed, so that none leans on them.
        let other = serial.checked_sub(step);
        let other = other.and_then(|serial| row.other(places::APPS, serial));
        match other.filter(|app| !app.object.built_in) {
            Some(other) if !dangling => other.id(),
            _ => rng.guid(),
        }
    };
    match rng.below(3) {
        0 => vec![Relation {
            target: before(1, &mut rng),
            supersedes: true,
            way: rng.pick(&["update", "replace"]),
        }],
        1 => (1..=1 + rng.below(2))
            .map(|step| Relation {
                target: before(step, &mut rng),
                supersedes: false,
                way: rng.pick(&["detect", "autoInstall"]),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Apps that replace or need this one.
fn relations_to<'a>(row: &Row<'a>) -> Vec<(Row<'a>, Relation)> {
    let own = row.id();
    let serial = usize::try_from(row.object.serial).unwrap_or(0);
    (1..=2)
        .filter_map(|step| row.other(places::APPS, serial + step))
        .filter(|other| !other.object.gone)
        .flat_map(|other| {
            let relations = relations(&other).into_iter();
            relations.map(move |relation| (other, relation))
        })
        .filter(|(_, relation)| relation.target == own)
        .collect()
}

struct Counts {
    dependent: usize,
    superseding: usize,
    superseded: usize,
}

impl Counts {
    fn of(row: &Row<'_>) -> Self {
        let own = relations(row);
        let superseding = own.iter().filter(|one| one.supersedes).count();
        Self {
            dependent: own.len() - superseding,
            superseding,
            superseded: relations_to(row)
                .iter()
                .filter(|(_, one)| one.supersedes)
                .count(),
        }
    }
}

fn relationship(source: &str, target: &str, target_type: &str, relation: &Relation) -> Value {
    let mut body = json!({
        "@odata.type": if relation.supersedes {
            "#microsoft.graph.mobileAppSupersedence"
        } else {
            "#microsoft.graph.mobileAppDependency"
        },
        "id": format!("{source}_{target}"),
        "sourceId": source,
        "targetId": target,
        "targetDisplayName": "Another app",
        "targetDisplayVersion": "1.0",
        "targetPublisher": "Contoso",
        "targetType": target_type,
    });
    let way = if relation.supersedes {
        "supersedenceType"
    } else {
        "dependencyType"
    };
    body[way] = json!(relation.way);
    body
}

fn children(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let own = row.id();
    relations(row)
        .iter()
        .map(|one| {
            let (kind, qualifier) = if one.supersedes {
                ("supersedes", "supersedence_type")
            } else {
                ("depends_on_app", "dependency_type")
            };
            links.add(kind, "mobile_app", &one.target, &[(qualifier, one.way)]);
            relationship(&own, &one.target, "child", one)
        })
        .collect()
}

/// What an app replaces or needs (children) and what replaces or needs it (parents).
pub(super) fn relationships(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let own = row.id();
    let mut all = children(row, links);
    all.extend(
        relations_to(row)
            .iter()
            .map(|(other, one)| relationship(&own, &other.id(), "parent", one)),
    );
    all
}

/// All relationships of a tenant's apps, each once, from the app that replaces or needs another.
pub(crate) fn all_relationships(directory: &Directory) -> Vec<Value> {
    let index = index_of(places::APPS);
    directory.sets[index]
        .iter()
        .flat_map(|object| {
            let row = Row::new(directory, index, object);
            children(&row, &mut Links::ignored())
        })
        .collect()
}
