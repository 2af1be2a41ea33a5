//! Cloud PCs.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, array, qualify};

pub(super) fn of_provisioning(policy: &Value, found: &mut Gathered) {
    for join in array(policy.get("domainJoinConfigurations")) {
        let mut qualifier = Qualifier::new();
        qualify(
            &mut qualifier,
            "join_type",
            join.get("domainJoinType").or_else(|| join.get("type")),
        );
        found.add_with(
            LinkKind::UsesConnection,
            TargetKind::CloudPcConnection,
            join.get("onPremisesConnectionId"),
            qualifier,
        );
    }
    // An image of the gallery is Microsoft's, and no object of the tenant.
    if policy.get("imageType").and_then(Value::as_str) == Some("custom") {
        found.add(
            LinkKind::UsesImage,
            TargetKind::CloudPcImage,
            policy.get("imageId"),
        );
    }
}
