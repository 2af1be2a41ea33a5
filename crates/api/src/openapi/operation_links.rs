//! What follows from what: OpenAPI links from an answer to the operations that its values are for.

use serde_json::{Map, Value, json};

use super::operations::members;

/// From which operation and status, to which operation, with which parameter, and where its value is.
const LINKS: [(&str, &str, &str, &str, &str); 28] = [
    (
        "start_inventory_sync",
        "202",
        "get_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "start_inventory_sync",
        "202",
        "list_operation_run_results",
        "run_id",
        "/run/id",
    ),
    (
        "start_inventory_sync",
        "202",
        "cancel_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "start_directory_groups_sync",
        "202",
        "get_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "start_directory_groups_sync",
        "202",
        "cancel_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "retry_operation_run",
        "202",
        "get_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "retry_operation_run",
        "202",
        "cancel_operation_run",
        "run_id",
        "/run/id",
    ),
    (
        "cancel_operation_run",
        "202",
        "get_operation_run",
        "run_id",
        "/id",
    ),
    (
        "cancel_operation_run",
        "200",
        "retry_operation_run",
        "run_id",
        "/id",
    ),
    (
        "list_operation_runs",
        "200",
        "get_operation_run",
        "run_id",
        "/items/0/id",
    ),
    (
        "list_active_operation_runs",
        "200",
        "get_operation_run",
        "run_id",
        "/items/0/id",
    ),
    (
        "get_operation_run",
        "200",
        "list_operation_run_results",
        "run_id",
        "/id",
    ),
    (
        "get_operation_run",
        "200",
        "cancel_operation_run",
        "run_id",
        "/id",
    ),
    (
        "get_operation_run",
        "200",
        "retry_operation_run",
        "run_id",
        "/id",
    ),
    (
        "get_operation_run",
        "200",
        "get_tenant",
        "tenant_id",
        "/tenant/id",
    ),
    ("get_me", "200", "get_tenant", "tenant_id", "/tenants/0/id"),
    (
        "list_tenants",
        "200",
        "get_tenant",
        "tenant_id",
        "/items/0/id",
    ),
    (
        "get_tenant",
        "200",
        "start_inventory_sync",
        "tenant_id",
        "/id",
    ),
    (
        "get_tenant",
        "200",
        "start_directory_groups_sync",
        "tenant_id",
        "/id",
    ),
    (
        "get_tenant",
        "200",
        "list_inventory_items",
        "tenant_id",
        "/id",
    ),
    (
        "get_tenant",
        "200",
        "get_inventory_summary",
        "tenant_id",
        "/id",
    ),
    (
        "get_tenant",
        "200",
        "list_inventory_changes",
        "tenant_id",
        "/id",
    ),
    ("get_tenant", "200", "list_members", "tenant_id", "/id"),
    ("get_tenant", "200", "list_audit_events", "tenant_id", "/id"),
    (
        "list_notifications",
        "200",
        "mark_notification_read",
        "notification_id",
        "/items/0/id",
    ),
    (
        "list_notifications",
        "200",
        "get_operation_run",
        "run_id",
        "/items/0/operation_run_id",
    ),
    ("list_queues", "200", "pause_queue", "kind", "/items/0/kind"),
    (
        "list_queues",
        "200",
        "resume_queue",
        "kind",
        "/items/0/kind",
    ),
];

/// Adds the links to the answers.
pub(super) fn complete(document: &mut Value) {
    for (_, item) in members(&mut document["paths"]) {
        for (_, operation) in members(item) {
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            for (status, response) in members(&mut operation["responses"]) {
                let links: Map<String, Value> = LINKS
                    .iter()
                    .filter(|(from, of, ..)| *from == id && *of == status)
                    .map(|(_, _, to, parameter, pointer)| {
                        let value = format!("$response.body#{pointer}");
                        let link = json!({"operationId": to, "parameters": {*parameter: value}});
                        ((*to).to_owned(), link)
                    })
                    .collect();
                if !links.is_empty() {
                    response["links"] = Value::Object(links);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::Description;

    /// Each link leads from an example's value to a parameter of an operation.
    #[test]
    fn every_link_is_in_the_document_and_leads_somewhere() {
        let description = Description::of_this_version();
        let document = description.document();
        let paths = document["paths"].as_object().unwrap();
        let operations = || {
            let of_paths = paths.iter().flat_map(|(path, item)| {
                let all = item.as_object().unwrap().values();
                all.map(move |operation| (path, operation))
            });
            of_paths.map(|(path, operation)| {
                (operation["operationId"].as_str().unwrap(), path, operation)
            })
        };
        for (from, status, to, parameter, pointer) in LINKS {
            let (_, _, source) = operations().find(|(id, ..)| *id == from).unwrap();
            let response = &source["responses"][status];
            assert!(response["links"][to].is_object(), "{from} to {to}");
            let example = &response["content"]["application/json"]["example"];
            assert!(
                example.pointer(pointer).is_some(),
                "{from}: {pointer} of {example}"
            );
            let (_, path, _) = operations().find(|(id, ..)| *id == to).unwrap();
            assert!(
                path.contains(&format!("{{{parameter}}}")),
                "{path}: {parameter}"
            );
        }
    }
}
