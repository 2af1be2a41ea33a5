//! Events as Graph shows them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{ActorKind, AuditEvent, AuditLog, Operation};

const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// ISO 8601 with seven digits of a second.
pub(super) fn time(at: DateTime<Utc>) -> String {
    let ticks = at.timestamp_subsec_nanos() / 100;
    format!("{}.{ticks:07}Z", at.format("%Y-%m-%dT%H:%M:%S"))
}

impl AuditEvent {
    /// What was done, in the words of the log.
    pub(super) fn activity(&self) -> String {
        match (self.log, self.operation) {
            (AuditLog::Intune, Operation::Create) => format!("Create {}", self.entity),
            (AuditLog::Intune, Operation::Patch) => format!("Patch {}", self.entity),
            (AuditLog::Intune, Operation::Assign) => format!("assign {}", self.entity),
            (AuditLog::Intune, Operation::Delete) => format!("Delete {}", self.entity),
            (AuditLog::Intune, Operation::Read) => format!("Get {}", self.entity),
            (AuditLog::Directory, Operation::Create) => format!("Add {}", self.entity),
            (AuditLog::Directory, Operation::Delete) => format!("Delete {}", self.entity),
            (AuditLog::Directory, _) => format!("Update {}", self.entity),
        }
    }

    pub(super) fn json(&self) -> Value {
        match self.log {
            AuditLog::Intune => self.intune(),
            AuditLog::Directory => self.directory(),
        }
    }

    fn intune(&self) -> Value {
        let operation = match self.operation {
            Operation::Create => "Create",
            Operation::Patch => "Patch",
            Operation::Assign => "Action",
            Operation::Delete => "Delete",
            Operation::Read => "Get",
        };
        let user = self.actor.kind == ActorKind::User;
        let of_kind = |wanted: bool, text: &str| wanted.then(|| text.to_owned());
        json!({
            "id": self.id,
            "displayName": self.activity(),
            "componentName": "DeviceConfiguration",
            "activity": self.activity(),
            "activityDateTime": time(self.at),
            "activityType": self.activity(),
            "activityOperationType": operation,
            "activityResult": if self.failed { "Failure" } else { "Success" },
            "correlationId": self.id.chars().rev().collect::<String>(),
            "category": "DeviceConfiguration",
            "actor": {
                "auditActorType": if user { "ItPro" } else { "Application" },
                "userPermissions": ["*"],
                // What a person does comes through an application, too.
                "applicationId": if user { "5926fc8e-304e-4f59-8bed-58ca97cc39a4" } else { self.actor.id.as_str() },
                "applicationDisplayName": if user { "Microsoft Intune portal extension" } else { self.actor.name.as_str() },
                "userPrincipalName": of_kind(user, &self.actor.name),
                "servicePrincipalName": of_kind(!user, &self.actor.name),
                "ipAddress": null,
                "userId": if user { self.actor.id.as_str() } else { NO_ID },
            },
            "resources": [{
                "displayName": self.name,
                "auditResourceType": self.entity,
                "type": self.entity,
                "resourceId": self.object,
                "modifiedProperties": [{
                    "displayName": "DeviceManagementAPIVersion",
                    "oldValue": null,
                    "newValue": "5025-01-01",
                }],
            }],
        })
    }

    fn directory(&self) -> Value {
        let operation = match self.operation {
            Operation::Create => "Add",
            Operation::Delete => "Delete",
            _ => "Update",
        };
        let initiated = match self.actor.kind {
            ActorKind::User => json!({
                "app": null,
                "user": {
                    "id": self.actor.id,
                    "displayName": null,
                    "userPrincipalName": self.actor.name,
                    "ipAddress": "192.0.2.17",
                    "userType": null,
                    "homeTenantId": null,
                    "homeTenantName": null,
                },
            }),
            ActorKind::Application => json!({
                "user": null,
                "app": {
                    "appId": self.actor.id,
                    "displayName": self.actor.name,
                    "servicePrincipalId": self.id,
                    "servicePrincipalName": null,
                },
            }),
        };
        json!({
            "id": format!("Directory_{}", self.id),
            "category": "Policy",
            "correlationId": self.id,
            "result": if self.failed { "failure" } else { "success" },
            "resultReason": "",
            "activityDisplayName": self.activity(),
            "activityDateTime": time(self.at),
            "loggedByService": "Core Directory",
            "operationType": operation,
            "initiatedBy": initiated,
            "targetResources": [{
                "id": self.object,
                "displayName": self.name,
                "type": "Policy",
                "userPrincipalName": null,
                "groupType": null,
                "modifiedProperties": [],
            }],
            "additionalDetails": [],
        })
    }
}
