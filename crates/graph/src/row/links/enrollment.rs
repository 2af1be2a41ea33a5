//! Enrollment configurations, and what lives under Apple's tokens.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, NO_GUID, Qualifier, array};

pub(super) fn of_status_page(page: &Value, found: &mut Gathered) {
    found.add_each(
        LinkKind::BlocksOnApp,
        TargetKind::MobileApp,
        page.get("selectedMobileAppIds"),
    );
}

/// Templates are named with their channel in front, as in `Email_<id>`.
pub(super) fn of_notification(notification: &Value, found: &mut Gathered) {
    let kind = TargetKind::NotificationMessageTemplate;
    for template in array(notification.get("notificationTemplates")) {
        let Some(template) = template.as_str() else {
            continue;
        };
        let (channel, id) = template.split_once('_').unwrap_or(("", template));
        let mut qualifier = Qualifier::new();
        if matches!(channel, "Email" | "Push") {
            qualifier.insert("channel".to_owned(), channel.to_ascii_lowercase());
        }
        if id != NO_GUID {
            found.add_id(LinkKind::NotifiesWith, kind, id, qualifier);
        }
    }
    found.add(
        LinkKind::NotifiesWith,
        kind,
        notification.get("notificationMessageTemplateId"),
    );
}

/// An enrollment profile lives under one of Apple's tokens, which only its address shows.
pub(crate) fn of_parent(token: &str, found: &mut Gathered) {
    found.add_id(
        LinkKind::ChildOf,
        TargetKind::DepOnboardingSetting,
        token,
        Qualifier::new(),
    );
}
