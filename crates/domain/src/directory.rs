//! Groups of a tenant's directory, as Microsoft Graph tells of them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::ids::GroupId;
use crate::limits::{LONGEST_NAME_KEY, shortened};

/// The longest text that is worth a search, in characters. Names have at most 256.
pub const LONGEST_SEARCH: usize = 256;

/// What a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupType {
    /// With a mailbox, a team and the like.
    Microsoft365,
    /// For access.
    Security,
    /// For access, and with an address.
    MailEnabledSecurity,
    /// A list of addresses.
    Distribution,
}

impl GroupType {
    /// Every type.
    pub const ALL: [Self; 4] = [
        Self::Microsoft365,
        Self::Security,
        Self::MailEnabledSecurity,
        Self::Distribution,
    ];

    /// The word used in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft365 => "microsoft_365",
            Self::Security => "security",
            Self::MailEnabledSecurity => "mail_enabled_security",
            Self::Distribution => "distribution",
        }
    }

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

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no type of group.
#[derive(Debug, thiserror::Error)]
#[error("unknown type of group")]
pub struct UnknownGroupType;

impl FromStr for GroupType {
    type Err = UnknownGroupType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or(UnknownGroupType)
    }
}

/// Something that a reading tells of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNews {
    /// The group.
    pub id: GroupId,
    /// What is told.
    pub tells: GroupTells,
}

/// What is told of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupTells {
    /// It is there, with these properties.
    There(GroupPatch),
    /// It was deleted.
    Gone,
}

/// Those properties of a group that were told; of the others the last word still stands. Where a
/// property may be empty, the inner option says so. Serialised, it is a JSON merge patch of what is
/// known of the group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupPatch {
    /// Its name.
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
    /// Puts what was told later over this.
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

/// Puts what was told of each group into one word per group, in the order of their first mention.
/// A later word on a group that was gone begins anew.
#[must_use]
pub fn settle(news: Vec<GroupNews>) -> Vec<GroupNews> {
    let mut at = std::collections::HashMap::with_capacity(news.len());
    let mut settled: Vec<GroupNews> = Vec::with_capacity(news.len());
    for one in news {
        let Some(&place) = at.get(&one.id) else {
            at.insert(one.id, settled.len());
            settled.push(one);
            continue;
        };
        let before: &mut GroupNews = &mut settled[place];
        match (&mut before.tells, one.tells) {
            (GroupTells::There(before), GroupTells::There(later)) => before.merge(later),
            (before, later) => *before = later,
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn news(id: u128, tells: GroupTells) -> GroupNews {
        GroupNews {
            id: GroupId::from_uuid(Uuid::from_u128(id)),
            tells,
        }
    }

    #[test]
    fn the_last_word_on_each_property_counts_and_so_does_the_end() {
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
        let settled = settle(vec![
            news(1, GroupTells::There(first)),
            news(2, GroupTells::There(GroupPatch::default())),
            news(1, GroupTells::There(second)),
            news(2, GroupTells::Gone),
        ]);
        assert_eq!(settled.len(), 2);
        let GroupTells::There(patch) = &settled[0].tells else {
            panic!("it is there");
        };
        let json = serde_json::to_value(patch).unwrap();
        let expected = serde_json::json!({"name": "Sales", "name_key": "sales",
            "description": null, "security": true});
        assert_eq!(json, expected);
        assert_eq!(settled[1].tells, GroupTells::Gone);
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
    fn what_was_not_told_is_not_in_the_patch() {
        let json = serde_json::to_value(GroupPatch::default()).unwrap();
        assert_eq!(json, serde_json::json!({}));
    }
}
