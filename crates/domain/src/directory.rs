//! Groups of a tenant's directory, and the updates of them that Microsoft Graph's delta query returns.

use serde::Serialize;

use crate::ids::GroupId;
use crate::limits::{LONGEST_NAME_KEY, shortened};
use crate::words::words;

/// The longest search text, in characters. Names have at most 256.
pub const LONGEST_SEARCH: usize = 256;

words! {
    /// What a group is for.
    pub enum GroupType: "type of group" {
        /// With a mailbox, a team and the like.
        Microsoft365 = "microsoft_365",
        /// For access.
        Security = "security",
        /// For access, and with an address.
        MailEnabledSecurity = "mail_enabled_security",
        /// A list of addresses.
        Distribution = "distribution",
    }
}

impl GroupType {
    /// The type of a group with these properties (Microsoft Graph documentation, "group resource
    /// type", table of group types). The database has the same rule.
    #[must_use]
    pub const fn of(unified: bool, security: bool, mail: bool) -> Self {
        match (unified, security, mail) {
            (true, _, _) => Self::Microsoft365,
            (false, true, true) => Self::MailEnabledSecurity,
            (false, true, false) => Self::Security,
            (false, false, _) => Self::Distribution,
        }
    }
}

/// An update of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUpdate {
    pub id: GroupId,
    pub state: GroupState,
}

/// Whether a group is there, and what changed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupState {
    /// It is there, and these properties were returned.
    Present(GroupPatch),
    /// It was deleted.
    Gone,
}

/// The properties of a group that were returned; the others keep their stored values. The inner
/// option is `None` where a property was returned as empty. Serialised, it is a JSON merge patch of
/// the stored group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupPatch {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub name: Option<GroupName>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// A Microsoft 365 group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unified: Option<bool>,
    /// Members follow from a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
    /// It may be given access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
    /// It has an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<bool>,
    /// The rule that members follow from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_rule: Option<Option<String>>,
    /// Whether that rule is applied, such as `On` or `Paused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_rule_state: Option<Option<String>>,
    /// It may be given roles of the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignable_to_role: Option<Option<bool>>,
    /// It comes from a directory on premises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<Option<bool>>,
    /// Who may see its members, such as `Private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Option<String>>,
}

/// A group's name, and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupName {
    name: String,
    name_key: String,
}

impl From<String> for GroupName {
    fn from(name: String) -> Self {
        Self {
            name_key: shortened(&search_key(&name), LONGEST_NAME_KEY).to_owned(),
            name,
        }
    }
}

impl GroupPatch {
    /// Overwrites properties with those of a later update.
    pub fn merge(&mut self, later: Self) {
        macro_rules! take {
            ($($field:ident),+) => {$(
                if later.$field.is_some() {
                    self.$field = later.$field;
                }
            )+};
        }
        take!(
            name,
            description,
            unified,
            dynamic,
            security,
            mail,
            membership_rule,
            membership_rule_state,
            assignable_to_role,
            on_premises,
            visibility
        );
    }
}

/// What names are compared by: lower case, without blanks at the ends. NUL, which a row cannot hold,
/// is left out.
#[must_use]
pub fn search_key(name: &str) -> String {
    name.trim().replace('\0', "").to_lowercase()
}

/// Merges the updates of each group into one, in the order of the groups' first updates. An update
/// of a group that was gone before replaces what was merged until then.
#[must_use]
pub fn merged(updates: Vec<GroupUpdate>) -> Vec<GroupUpdate> {
    let mut at = std::collections::HashMap::with_capacity(updates.len());
    let mut merged: Vec<GroupUpdate> = Vec::with_capacity(updates.len());
    for update in updates {
        let Some(&place) = at.get(&update.id) else {
            at.insert(update.id, merged.len());
            merged.push(update);
            continue;
        };
        let before: &mut GroupUpdate = &mut merged[place];
        match (&mut before.state, update.state) {
            (GroupState::Present(before), GroupState::Present(later)) => before.merge(later),
            (before, later) => *before = later,
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn update(id: u128, state: GroupState) -> GroupUpdate {
        GroupUpdate {
            id: GroupId::from_uuid(Uuid::from_u128(id)),
            state,
        }
    }

    #[test]
    fn the_last_update_of_each_property_counts_and_so_does_a_deletion() {
        let first = GroupPatch {
            description: Some(Some("old".to_owned())),
            security: Some(true),
            name: Some("Sales".to_owned().into()),
            ..GroupPatch::default()
        };
        let second = GroupPatch {
            description: Some(None),
            ..GroupPatch::default()
        };
        let merged = merged(vec![
            update(1, GroupState::Present(first)),
            update(2, GroupState::Present(GroupPatch::default())),
            update(1, GroupState::Present(second)),
            update(2, GroupState::Gone),
        ]);
        assert_eq!(merged.len(), 2);
        let GroupState::Present(patch) = &merged[0].state else {
            panic!("it is there");
        };
        let json = serde_json::to_value(patch).unwrap();
        let expected = serde_json::json!({"name": "Sales", "name_key": "sales",
            "description": null, "security": true});
        assert_eq!(json, expected);
        assert_eq!(merged[1].state, GroupState::Gone);
    }

    #[test]
    fn a_long_name_is_kept_whole_and_found_by_its_beginning() {
        // Lower case may need more bytes than upper case: U+023A has two, U+2C65 has three.
        let name = "\u{23a}".repeat(900);
        let json = serde_json::to_value(GroupName::from(name.clone())).unwrap();
        let key = "\u{2c65}".repeat(LONGEST_NAME_KEY / 3);
        assert_eq!(json, serde_json::json!({"name": name, "name_key": key}));
    }

    #[test]
    fn what_was_not_returned_is_not_in_the_patch() {
        let json = serde_json::to_value(GroupPatch::default()).unwrap();
        assert_eq!(json, serde_json::json!({}));
    }
}
