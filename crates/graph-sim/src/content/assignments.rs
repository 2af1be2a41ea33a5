//! Who an object is assigned to.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::links::LinkSource;
use super::{Links, Rng, Row, merge, places};
use crate::collections::{Assignments, Shape};

/// The virtual group that stands for all users where a service knows groups only.
const ALL_USERS: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";
/// The virtual group that stands for all devices.
const ALL_DEVICES: &str = "adadadad-808e-44e2-905a-0b7873a8a531";
/// How some services write that there is no id.
pub(super) const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Where an assignment points.
enum Aim {
    /// With the service's own type of target.
    AllUsers,
    AllDevices,
    /// As a group that is in no directory.
    VirtualGroup(&'static str),
    Collection(String),
    Group(String),
    Excluded(String),
}

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
    pub(crate) fn assignments(&self, links: &mut Links) -> Vec<Value> {
        links.set_source(LinkSource::Assignments);
        let mut rng = self.rng(Purpose::Assignments);
        let id = self.id();
        let groups = self.count_of(places::GROUPS).max(1);
        let first_group = rng.below(groups);
        (0..self.assignment_count())
            .map(|number| {
                let group = first_group + number;
                // Where a tenant has fewer groups than an object has assignments, ids stay apart.
                let repeat = match group / groups {
                    0 => String::new(),
                    round => format!("_{round}"),
                };
                // Each from a stream of its own, so that one more changes none of the others.
                let mut own = Rng::from_parts(&[rng.next(), u64::try_from(number).unwrap_or(0)]);
                self.assignment(&id, number, group % groups, &repeat, &mut own, links)
            })
            .collect()
    }

    fn assignment(
        &self,
        id: &str,
        number: usize,
        group: usize,
        repeat: &str,
        rng: &mut Rng,
        links: &mut Links,
    ) -> Value {
        let aim = self.aim(number, group, rng);
        let filter = self.filter(&aim, rng);
        let extra = self.extra(rng);
        let set = (self.collection.shape == Shape::MobileApp
            || self.collection.shape == Shape::DeviceConfiguration)
            && rng.percent(10);
        let set = set.then(|| self.one_in(places::POLICY_SETS, rng));
        self.note(&aim, filter.as_ref(), &extra, set.as_deref(), links);
        let (kind, tail) = match &aim {
            Aim::AllUsers => ("allLicensedUsersAssignmentTarget", ALL_USERS),
            Aim::AllDevices => ("allDevicesAssignmentTarget", ALL_DEVICES),
            Aim::VirtualGroup(id) => ("groupAssignmentTarget", *id),
            Aim::Collection(id) => (
                "configurationManagerCollectionAssignmentTarget",
                id.as_str(),
            ),
            Aim::Group(id) => (self.group_kind(), id.as_str()),
            Aim::Excluded(id) => ("exclusionGroupAssignmentTarget", id.as_str()),
        };
        let mut target = json!({"@odata.type": format!("#microsoft.graph.{kind}")});
        if !self.is_cloud_pc() && self.collection.shape != Shape::ScopeTag {
            let (filter, mode) = match &filter {
                Some((filter, mode)) => (json!(filter), *mode),
                None if rng.percent(20) => (json!(NO_ID), "none"),
                None => (Value::Null, "none"),
            };
            target["deviceAndAppManagementAssignmentFilterId"] = filter;
            target["deviceAndAppManagementAssignmentFilterType"] = json!(mode);
        }
        match &aim {
            Aim::VirtualGroup(_) | Aim::Group(_) | Aim::Excluded(_) => {
                target["groupId"] = json!(tail);
            }
            Aim::Collection(_) => target["collectionId"] = json!(tail),
            Aim::AllUsers | Aim::AllDevices => {}
        }
        let mut assignment = json!({"id": format!("{id}_{tail}{repeat}")});
        if !self.is_cloud_pc() {
            assignment["source"] = json!(if set.is_some() {
                "policySets"
            } else {
                "direct"
            });
            assignment["sourceId"] = json!(set.as_deref().unwrap_or(id));
        }
        assignment["target"] = target;
        merge(&mut assignment, extra);
        assignment
    }

    fn is_cloud_pc(&self) -> bool {
        matches!(
            self.collection.shape,
            Shape::CloudPcPolicy | Shape::CloudPcUserSetting
        )
    }

    fn group_kind(&self) -> &'static str {
        if self.is_cloud_pc() {
            "cloudPcManagementGroupAssignmentTarget"
        } else {
            "groupAssignmentTarget"
        }
    }

    fn aim(&self, number: usize, group: usize, rng: &mut Rng) -> Aim {
        let dangling = rng.percent(3);
        let id = if dangling {
            rng.guid()
        } else {
            self.group(group)
        };
        if self.is_cloud_pc() || self.collection.shape == Shape::ScopeTag {
            return Aim::Group(id);
        }
        if number == 0 && rng.percent(30) {
            return match rng.below(20) {
                _ if self.collection.shape == Shape::ManagedAppPolicy => {
                    Aim::VirtualGroup(ALL_USERS)
                }
                0 => Aim::VirtualGroup(ALL_USERS),
                1 => Aim::VirtualGroup(ALL_DEVICES),
                2 => Aim::Collection(format!("SMS{:05}", rng.below(100_000))),
                even if even % 2 == 0 => Aim::AllDevices,
                _ => Aim::AllUsers,
            };
        }
        if number > 0 && rng.percent(25) {
            Aim::Excluded(id)
        } else {
            Aim::Group(id)
        }
    }

    fn filter(&self, aim: &Aim, rng: &mut Rng) -> Option<(String, &'static str)> {
        let possible = !matches!(aim, Aim::Excluded(_) | Aim::Collection(_))
            && !self.is_cloud_pc()
            && self.collection.shape != Shape::ScopeTag;
        (possible && rng.percent(20)).then(|| {
            let mode = rng.pick(&["include", "exclude"]);
            (self.one_in(places::FILTERS, rng), mode)
        })
    }

    /// What else assignments of this kind of object say.
    fn extra(&self, rng: &mut Rng) -> Value {
        match self.collection.shape {
            Shape::DeviceConfiguration => json!({"intent": "apply"}),
            Shape::MobileApp => json!({
                "intent": rng.pick(&[
                    "required",
                    "available",
                    "uninstall",
                    "availableWithoutEnrollment",
                ]),
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
        }
    }

    fn note(
        &self,
        aim: &Aim,
        filter: Option<&(String, &'static str)>,
        extra: &Value,
        set: Option<&str>,
        links: &mut Links,
    ) {
        if self.collection.shape == Shape::ScopeTag {
            if let Aim::Group(id) = aim {
                links.add("auto_tags", "group", id, &[]);
            }
            return;
        }
        let (kind, target_kind, id) = match aim {
            Aim::AllUsers | Aim::VirtualGroup(ALL_USERS) => {
                ("assigned_to", "virtual_group", "all_users")
            }
            Aim::AllDevices | Aim::VirtualGroup(_) => {
                ("assigned_to", "virtual_group", "all_devices")
            }
            Aim::Collection(id) => ("assigned_to", "collection", id.as_str()),
            Aim::Group(id) => ("assigned_to", "group", id.as_str()),
            Aim::Excluded(id) => ("excluded_from", "group", id.as_str()),
        };
        let mut qualifier = Vec::new();
        if let Some(intent) = extra["intent"].as_str() {
            qualifier.push(("intent", intent));
        }
        if let Some((filter, mode)) = filter {
            qualifier.push(("filter_id", filter.as_str()));
            qualifier.push(("filter_type", *mode));
        }
        if set.is_some() {
            qualifier.push(("source", "policySets"));
        }
        links.add(kind, target_kind, id, &qualifier);
        if let Some((filter, mode)) = filter {
            links.add(
                "uses_assignment_filter",
                "assignment_filter",
                filter,
                &[("filter_type", *mode)],
            );
        }
        if let Some(set) = set {
            links.add("assigned_via_policy_set", "policy_set", set, &[]);
        }
    }
}
