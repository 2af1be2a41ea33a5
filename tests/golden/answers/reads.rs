//! Everything that is read: each list whole, with each of its filters, and page by page.

use serde_json::Value;

use super::client::{Client, Question};
use super::seed::{Seed, first_id};

/// A list, what it is filtered by, and what it refuses.
#[derive(Clone)]
struct List {
    path: String,
    filters: Vec<String>,
    refused: Vec<&'static str>,
    pages: bool,
}

fn list(path: impl Into<String>, filters: &[&str], refused: &[&'static str]) -> List {
    List {
        path: path.into(),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        refused: refused.to_vec(),
        pages: true,
    }
}

/// Asks for everything.
pub(super) async fn all(seed: &Seed, client: &mut Client) {
    let operator = seed.as_operator();
    let item = named_item(seed, client, "App 1").await;
    let lists = [
        lists_of_tenant(seed, &item),
        lists_of_caller(seed, client).await,
    ]
    .concat();
    for list in &lists {
        read_list(client, list, operator).await;
    }
    for one in details(seed, &item) {
        let reply = client.ask(Question::get(&one).by(operator)).await;
        unchanged(client, &one, operator, &reply.headers).await;
    }
    for path in ["/system/queues", "/system/workers"] {
        let administrator = seed.as_administrator();
        client.ask(Question::get(path).by(administrator)).await;
        client.ask(Question::get(path).by(operator)).await;
    }
    // Other people see other things.
    for person in [seed.as_owner(), seed.as_reader(), seed.as_stranger()] {
        for path in [
            "/me",
            "/tenants",
            "/operation-runs",
            "/operation-runs/active",
        ] {
            client.ask(Question::get(path).by(person)).await;
        }
    }
    let run = format!("/operation-runs/{}", seed.running);
    client.ask(Question::get(run).by(seed.as_reader())).await;
}

async fn named_item(seed: &Seed, client: &mut Client, name: &str) -> String {
    let path = seed.path(&format!("inventory-items?q={}", name.replace(' ', "%20")));
    let found = client.ask(Question::get(path).by(seed.as_operator())).await;
    let id = first_id(&found.body);
    client.masks().call(&id, name);
    id
}

fn details(seed: &Seed, item: &str) -> Vec<String> {
    let runs = [
        seed.ended.as_slice(),
        &[seed.groups_run, seed.queued, seed.running],
    ]
    .concat();
    let runs = runs.iter().map(|run| format!("/operation-runs/{run}"));
    [
        "/me".to_owned(),
        "/me/notifications/unread-count".to_owned(),
        "/policy-types".to_owned(),
        format!("/tenants/{}", seed.contoso.id),
        seed.path("inventory-summary"),
        seed.path(&format!("inventory-items/{item}")),
        "/operation-runs/active".to_owned(),
    ]
    .into_iter()
    .chain(runs)
    .collect()
}

fn lists_of_tenant(seed: &Seed, item: &str) -> Vec<List> {
    let contoso = |rest: &str| seed.path(rest);
    let of_item = format!("item_id={item}");
    vec![
        list(
            contoso("inventory-items"),
            &[
                "policy_type=mobileApp",
                "policy_type=mobileApp&policy_type=roleScopeTag",
                "category=apps",
                "category=nothing",
                "platform=ios",
                "q=app",
                "q=P%203",
                "q=a",
                "q=%25",
                "q=nothing",
                "missing=true",
                "missing=false",
                "foundation=true",
                "foundation=false",
                "policy_type=mobileApp&platform=windows&q=app&missing=false&foundation=false",
            ],
            &[
                "policy_type=nothing",
                "missing=maybe",
                "q=",
                "limit=0",
                "limit=1000",
                "cursor=x",
            ],
        ),
        list(
            contoso("inventory-changes"),
            &[
                "kind=created",
                "kind=changed",
                "kind=reassigned",
                "kind=gone",
                "kind=back",
                "kind=gone&kind=back",
                "policy_type=mobileApp",
                "policy_type=mobileApp&policy_type=roleScopeTag&kind=gone",
                "since=2000-01-01T00:00:00Z",
                "since=2100-01-01T00:00:00Z",
                &of_item,
                &format!("{of_item}&kind=changed"),
            ],
            &[
                "kind=nothing",
                "since=yesterday",
                "item_id=x",
                "policy_type=nothing",
                "cursor=x",
            ],
        ),
        list(
            contoso("inventory-links"),
            &[
                "kind=assigned_to",
                "target_kind=group",
                "target_kind=mobile_app&target_id=app-2",
                "kind=depends_on_app&target_kind=mobile_app&target_id=app-6",
                "dangling=true",
                "dangling=false",
                "kind=scoped_by&dangling=true",
            ],
            &[
                "kind=nothing",
                "target_kind=nothing",
                "target_id=x",
                "dangling=maybe",
                "cursor=x",
            ],
        ),
        list(
            contoso(&format!("inventory-items/{item}/links")),
            &["direction=out", "direction=in", "direction=both"],
            &["direction=up", "cursor=x"],
        ),
        list(
            contoso("inventory-sync-runs"),
            &[],
            &["limit=x", "cursor=x"],
        ),
        list(
            contoso("directory-groups"),
            &[
                "q=sales",
                "q=SALES",
                "q=sa",
                "q=merketing",
                "q=100%25",
                "q=%C3%9CBER",
                "type=security",
                "type=microsoft_365",
                "type=mail_enabled_security",
                "type=distribution",
                "q=sales&type=security",
            ],
            &["type=nothing", "q=", "cursor=x"],
        ),
        list(
            contoso("audit-events"),
            &[
                "action=operation_run.started",
                "action=operation_run.started&action=operation_run.completed",
                "outcome=failed",
                "outcome=allowed",
                &format!("actor={}", seed.operator.id),
                "occurred_after=2000-01-01T00:00:00Z",
                "occurred_before=2000-01-01T00:00:00Z",
                "action=operation_run.completed&outcome=failed",
            ],
            &[
                "outcome=nothing",
                "actor=x",
                "occurred_after=now",
                "limit=0",
                "cursor=x",
            ],
        ),
    ]
}

async fn lists_of_caller(seed: &Seed, client: &mut Client) -> Vec<List> {
    let partial = format!("/operation-runs/{}", seed.ended[1]);
    let seen = client
        .ask(Question::get(&partial).by(seed.as_operator()))
        .await;
    let created = seen.body["created_at"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    client.masks().replace(&created, "<time>");
    client
        .masks()
        .replace(created.replace(':', "%3A"), "<time>");
    let results = |run| format!("/operation-runs/{run}/results");
    let mut lists = vec![
        list(
            "/operation-runs",
            &[
                &format!("tenant_id={}", seed.contoso.id),
                &format!("tenant_id={}", seed.fabrikam.id),
                &format!(
                    "tenant_id={}&tenant_id={}",
                    seed.contoso.id, seed.fabrikam.id
                ),
                "kind=inventory_sync",
                "kind=directory_groups_sync",
                "kind=inventory_sync&kind=directory_groups_sync",
                "status=queued",
                "status=running",
                "status=completed",
                "status=queued&status=running",
                "outcome=succeeded",
                "outcome=partially_succeeded",
                "outcome=failed&outcome=cancelled",
                "initiator=me",
                &format!("initiator={}", seed.owner.id),
                &format!("created_after={created}"),
                &format!("created_before={created}"),
                &format!("ids={}", seed.ended[0]),
                &format!("ids={}&ids={}", seed.ended[2], seed.queued),
                &format!(
                    "kind=inventory_sync&status=completed&outcome=failed&initiator=me&tenant_id={}",
                    seed.contoso.id
                ),
            ],
            &[
                "kind=nothing",
                "status=ended",
                "outcome=well",
                "initiator=you",
                "ids=x",
                "tenant_id=x",
                "created_after=now",
                "limit=0",
                "cursor=x",
            ],
        ),
        list(results(seed.ended[1]), &[], &["limit=0", "cursor=x"]),
        list(results(seed.running), &[], &[]),
        list(results(seed.queued), &[], &[]),
        list(results(seed.groups_run), &[], &[]),
        list("/tenants", &[], &["limit=0", "cursor=x"]),
        list(
            "/me/notifications",
            &["unread=true", "unread=false"],
            &["unread=x", "cursor=x"],
        ),
    ];
    for list in &mut lists[2..5] {
        list.pages = false;
    }
    lists
}

async fn read_list(client: &mut Client, list: &List, person: (&str, &str)) {
    let path = &list.path;
    let whole = client.ask(Question::get(path).by(person)).await;
    unchanged(client, path, person, &whole.headers).await;
    for query in list
        .filters
        .iter()
        .map(String::as_str)
        .chain(list.refused.iter().copied())
    {
        client
            .ask(Question::get(format!("{path}?{query}")).by(person))
            .await;
    }
    if !list.pages {
        return;
    }
    let mut filters = vec![String::new()];
    filters.extend(list.filters.iter().map(|filter| format!("&{filter}")));
    for filter in filters {
        walk(client, path, &filter, person).await;
    }
}

/// The first pages of a list, with the smallest pages that there are.
async fn walk(client: &mut Client, path: &str, filter: &str, person: (&str, &str)) {
    let mut next = format!("{path}?limit=1{filter}");
    let mut last = Value::Null;
    for _ in 0..3 {
        let page = client.ask(Question::get(next).by(person)).await;
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            return;
        };
        next = format!("{path}?limit=1{filter}&cursor={cursor}");
        last = page.body["next_cursor"].clone();
    }
    // A cursor belongs to its filters.
    if filter.is_empty() {
        let other = format!("/tenants?limit=1&cursor={}", last.as_str().unwrap());
        client.ask(Question::get(other).by(person)).await;
    }
}

/// Asks once more with the tag of the answer.
async fn unchanged(
    client: &mut Client,
    path: &str,
    person: (&str, &str),
    headers: &reqwest::header::HeaderMap,
) {
    let tag = headers["etag"].to_str().unwrap();
    let again = Question::get(path).by(person).header("if-none-match", tag);
    client.ask(again).await;
}
