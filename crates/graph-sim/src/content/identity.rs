//! Ids, times and scope tags.

use chrono::{DateTime, Utc};

use super::{Rng, Row};
use crate::collections::{IdForm, Kind};

/// What a stream of numbers is for. Streams are apart, so that a new member of a payload moves no
/// other value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Id = 1,
    Name,
    Description,
    Details,
    Assignments,
    Times,
    ScopeTags,
    Settings,
}

/// 2021-03-01, before which nothing was made.
const FIRST_DAY: i64 = 1_614_556_800;
const DAY: i64 = 86_400;

impl Row<'_> {
    pub(super) fn rng(&self, purpose: Purpose) -> Rng {
        Rng::from_parts(&[
            self.collection_seed,
            u64::from(self.object.serial),
            purpose as u64,
        ])
    }

    /// The object's id, which it keeps for life.
    pub(crate) fn id(&self) -> String {
        let mut rng = self.rng(Purpose::Id);
        let serial = self.object.serial;
        if self.collection.kind() == Kind::Singleton {
            return match self.collection.path() {
                "/policies/authorizationPolicy" => "authorizationPolicy".to_owned(),
                "/policies/authenticationMethodsPolicy" => "authenticationMethodsPolicy".to_owned(),
                "/policies/authenticationFlowsPolicy" => "authenticationFlowsPolicy".to_owned(),
                "/policies/deviceRegistrationPolicy" => "deviceRegistrationPolicy".to_owned(),
                _ => rng.guid(),
            };
        }
        match self.collection.id_form {
            IdForm::Guid | IdForm::Tenant => rng.guid(),
            IdForm::ManagedApp => format!("T_{}", rng.guid()),
            IdForm::Number => serial.to_string(),
            IdForm::Context => format!("c{}", serial + 1),
            IdForm::Child => format!("{}_{}", self.parent_id(), rng.guid()),
            IdForm::Enrollment => {
                let suffix = match self.key() {
                    "enrollmentLimitRestriction" => "Limit",
                    "enrollmentPlatformRestriction" => "SinglePlatformRestriction",
                    "enrollmentStatusPage" => "Windows10EnrollmentCompletionPageConfiguration",
                    "windowsHelloForBusinessEnrollment" => "WindowsHelloForBusiness",
                    "enrollmentNotification" => "EnrollmentNotificationsConfiguration",
                    "windowsRestoreEnrollment" => "WindowsRestore",
                    _ => "DeviceComanagementAuthorityConfiguration",
                };
                format!("{}_{suffix}", rng.guid())
            }
        }
    }

    /// When it was made and when it was changed last. Every change moves the second by a day.
    pub(super) fn times(&self) -> (String, String) {
        let mut rng = self.rng(Purpose::Times);
        let day = |limit: usize, rng: &mut Rng| i64::try_from(rng.below(limit)).unwrap_or(0);
        let created = FIRST_DAY + day(1_500, &mut rng) * DAY + day(86_400, &mut rng);
        let changes = i64::from(self.object.renamed)
            + i64::from(self.object.edited)
            + i64::from(self.object.reassigned);
        let modified = created + day(200, &mut rng) * DAY + changes * DAY;
        let ticks = rng.below(10_000_000);
        (moment(created, ticks), moment(modified, ticks / 3))
    }

    pub(super) fn scope_tags(&self) -> Vec<String> {
        let mut rng = self.rng(Purpose::ScopeTags);
        let known = usize::try_from(self.facts.scope_tags).unwrap_or(1);
        match rng.below(10) {
            0 if known > 1 => vec![(1 + rng.below(known - 1)).to_string()],
            1 if known > 1 => vec!["0".to_owned(), (1 + rng.below(known - 1)).to_string()],
            _ => vec!["0".to_owned()],
        }
    }
}

/// ISO 8601 with seven digits of a second, as Intune writes it.
fn moment(seconds: i64, ticks: usize) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    format!("{}.{ticks:07}Z", time.format("%Y-%m-%dT%H:%M:%S"))
}
