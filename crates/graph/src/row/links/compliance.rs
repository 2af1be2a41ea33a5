//! Compliance policies.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, array};

pub(super) fn of_policy(policy: &Value, found: &mut Gathered) {
    for rule in array(policy.get("scheduledActionsForRule")) {
        of_rule(rule, found);
    }
    let script = policy.pointer("/deviceCompliancePolicyScript/deviceComplianceScriptId");
    found.add(
        LinkKind::UsesComplianceScript,
        TargetKind::ComplianceScript,
        script,
    );
}

/// Who is notified when a device does not comply.
pub(crate) fn of_rule(rule: &Value, found: &mut Gathered) {
    for action in array(rule.get("scheduledActionConfigurations")) {
        found.add(
            LinkKind::NotifiesWith,
            TargetKind::NotificationMessageTemplate,
            action.get("notificationTemplateId"),
        );
        for group in array(action.get("notificationMessageCCList")) {
            found.add_group(LinkKind::NotifiesCc, Some(group), Qualifier::new());
        }
    }
}
