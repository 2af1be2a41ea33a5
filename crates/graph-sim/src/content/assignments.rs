//! Who an object is assigned to.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::{Rng, Row};
use crate::collections::{Assignments, Shape, collections};

/// The virtual group that stands for all users where a service knows groups only.
const ALL_USERS: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";
/// The virtual group that stands for all devices.
const ALL_DEVICES: &str = "adadadad-808e-44e2-905a-0b7873a8a531";

impl Row<'_> {
    /// How many assignments the object has. Each time it is assigned anew the number changes.
    pub(crate) fn assignment_count(&self) -> usize {
        if self.collection.assignments == Assignments::None || self.object.built_in {
            return 0;
        }
        let mut rng = self.rng(Purpose::Assignments);
        let first = match rng.below(100) {
            0..25 => 0,
            25..60 => 1,
            60..80 => 2,
            80..92 => 3,
            _ => 4 + rng.below(3),
        };
        (first + usize::from(self.object.reassigned)) % 7
    }

    /// The assignments as Graph gives them.
    pub(crate) fn assignments(&self) -> Vec<Value> {
        let mut rng = self.rng(Purpose::Assignments);
        let id = self.id();
        let groups = usize::try_from(self.facts.groups).unwrap_or(1);
        let first_group = rng.below(groups);
        (0..self.assignment_count())
            .map(|number| {
                let group = first_group + number;
                self.assignment(&id, number, group / groups, group % groups, &mut rng)
            })
            .collect()
    }

    fn assignment(
        &self,
        id: &str,
        number: usize,
        round: usize,
        group: usize,
        rng: &mut Rng,
    ) -> Value {
        let (target, tail) = self.target(number, group, rng);
        // A tenant with few groups has an object assigned to one of them twice: ids stay apart.
        let repeat = if round == 0 {
            String::new()
        } else {
            format!("_{round}")
        };
        let assignment_id = format!("{id}_{tail}{repeat}");
        let mut assignment = json!({
            "id": assignment_id,
            "source": "direct",
            "sourceId": id,
            "target": target,
        });
        let extra = match self.collection.shape {
            Shape::DeviceConfiguration => json!({"intent": "apply"}),
            Shape::MobileApp => json!({
                "intent": rng.pick(&["required", "available", "uninstall"]),
                "settings": rng.percent(40).then(|| json!({
                    "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
                    "notifications": "showAll",
                    "deliveryOptimizationPriority": "notConfigured",
                })),
            }),
            Shape::HealthScript => json!({
                "runRemediationScript": rng.percent(50),
                "runSchedule": {
                    "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                    "interval": 1 + rng.below(3),
                    "useUtc": false,
                    "time": "09:00:00.0000000",
                },
            }),
            _ => Value::Null,
        };
        if let (Value::Object(members), Value::Object(extra)) = (&mut assignment, extra) {
            members.extend(extra);
        }
        assignment
    }

    /// The target and what stands for it in the assignment's id.
    fn target(&self, number: usize, group: usize, rng: &mut Rng) -> (Value, String) {
        let everybody = number == 0 && rng.percent(30);
        let users = rng.percent(50);
        if everybody && self.collection.shape == Shape::ManagedAppPolicy {
            let target = self.group_target("groupAssignmentTarget", ALL_USERS.to_owned(), rng);
            return (target, ALL_USERS.to_owned());
        }
        if everybody {
            let (kind, tail) = if users {
                ("allLicensedUsersAssignmentTarget", ALL_USERS)
            } else {
                ("allDevicesAssignmentTarget", ALL_DEVICES)
            };
            return (self.filtered(kind, rng), tail.to_owned());
        }
        let kind = if number > 0 && rng.percent(25) {
            "exclusionGroupAssignmentTarget"
        } else {
            "groupAssignmentTarget"
        };
        let group_id = self.id_in(Shape::Group, group);
        (self.group_target(kind, group_id.clone(), rng), group_id)
    }

    fn group_target(&self, kind: &str, group_id: String, rng: &mut Rng) -> Value {
        let mut target = self.filtered(kind, rng);
        target["groupId"] = Value::String(group_id);
        target
    }

    fn filtered(&self, kind: &str, rng: &mut Rng) -> Value {
        let with_filter = rng.percent(20) && kind != "exclusionGroupAssignmentTarget";
        let filters = usize::try_from(self.facts.filters).unwrap_or(1);
        let filter = with_filter.then(|| self.id_in(Shape::AssignmentFilter, rng.below(filters)));
        let mode = match (&filter, rng.percent(50)) {
            (None, _) => "none",
            (Some(_), true) => "include",
            (Some(_), false) => "exclude",
        };
        json!({
            "@odata.type": format!("#microsoft.graph.{kind}"),
            "deviceAndAppManagementAssignmentFilterId": filter,
            "deviceAndAppManagementAssignmentFilterType": mode,
        })
    }

    /// The id of an object of the first collection of a shape, by its serial.
    pub(super) fn id_in(&self, shape: Shape, serial: usize) -> String {
        collections()
            .iter()
            .find(|collection| collection.shape == shape)
            .map(|collection| {
                let serial = u32::try_from(serial).unwrap_or(0);
                self.sibling(collection, serial).id()
            })
            .unwrap_or_default()
    }
}
