//! Ids, times and scope tags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Links, Rng, Row, places};
use crate::collections::{Collection, IdForm, Kind, collections, index_of};
use crate::directory::Directory;

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
    Navigation,
    ProxyPassword,
    Values,
}

/// 2021-03-01, before which nothing was made.
const FIRST_DAY: i64 = 1_614_556_800;
const DAY: i64 = 86_400;
/// The part of a GUID that says which object it names.
const SERIAL: u128 = 0xffff_ffff;

/// A mask for the serial in a GUID, from the rest of it.
fn mask(rest: u128, seed: u64) -> u128 {
    let (high, low) = (
        (rest >> 64) & u128::from(u64::MAX),
        rest & u128::from(u64::MAX),
    );
    let part = |bits: u128| u64::try_from(bits).unwrap_or(0);
    u128::from(Rng::from_parts(&[seed, part(high), part(low)]).next()) & SERIAL
}

/// A GUID that can be traced back to the serial.
fn guid(rng: &mut Rng, serial: u32, seed: u64) -> String {
    let bits = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let rest = uuid::Builder::from_random_bytes(bits.to_be_bytes())
        .into_uuid()
        .as_u128()
        & !SERIAL;
    Uuid::from_u128(rest | (u128::from(serial) ^ mask(rest, seed))).to_string()
}

/// The serial of the object that an id names, if it names one of the collection. The caller has
/// to hold the object's own id against it.
fn serial_of(collection: &Collection, seed: u64, id: &str) -> Option<u32> {
    let guid = match collection.id_form {
        IdForm::Guid if Uuid::try_parse(id).is_err() => return serial_of_odd(id, seed),
        IdForm::Number => return id.parse().ok(),
        IdForm::Context => return id.strip_prefix('c')?.parse::<u32>().ok()?.checked_sub(1),
        IdForm::Guid | IdForm::Tenant => id,
        IdForm::ManagedApp => id.strip_prefix("T_")?,
        IdForm::Enrollment | IdForm::Template => id.get(..36)?,
        IdForm::Child => id.get(id.len().checked_sub(36)?..)?,
    };
    serial_in(Uuid::parse_str(guid).ok()?, seed)
}

fn serial_in(guid: Uuid, seed: u64) -> Option<u32> {
    let bits = guid.as_u128();
    let rest = bits & !SERIAL;
    u32::try_from((bits & SERIAL) ^ mask(rest, seed)).ok()
}

fn serial_of_odd(id: &str, seed: u64) -> Option<u32> {
    let encoded = STANDARD.decode(id).ok();
    let encoded = encoded.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    let at_the_end = || Uuid::parse_str(id.get(id.len().checked_sub(36)?..)?).ok();
    serial_in(encoded.or_else(at_the_end)?, seed)
}

/// The id of an object whose id is not a GUID, as Graph has some: with characters that mean
/// something in a path, and with some that are escaped in it. Every fifth keeps its GUID.
fn odd_id(guid: String, serial: u32) -> String {
    match serial % 5 {
        0 => Uuid::parse_str(&guid).map_or(guid, |guid| STANDARD.encode(guid.as_bytes())),
        1 => guid,
        2 => format!("O'Brien {guid}"),
        3 => format!("a+b/c=={guid}"),
        _ => format!("YWJj={guid}"),
    }
}

/// The object with this id that is there. Takes the same time however many there are.
pub(crate) fn find<'a>(directory: &'a Directory, index: usize, id: &str) -> Option<Row<'a>> {
    let row = find_ever(directory, index, id)?;
    (!row.object.gone).then_some(row)
}

/// The object with this id that is or was there.
fn find_ever<'a>(directory: &'a Directory, index: usize, id: &str) -> Option<Row<'a>> {
    let collection = &collections()[index];
    let seed = super::row::collection_seed(directory, collection);
    let serial = match collection.kind() {
        Kind::Singleton => 0,
        _ => serial_of(collection, seed, id)?,
    };
    let row = Row::new(directory, index, directory.sets[index].by_serial(serial)?);
    let own = row.id();
    let same = own == id || !row.may_have_odd_id() && own.eq_ignore_ascii_case(id);
    same.then_some(row)
}

impl<'a> Row<'a> {
    pub(super) fn rng(&self, purpose: Purpose) -> Rng {
        Rng::from_parts(&[
            self.collection_seed,
            u64::from(self.object.serial),
            purpose as u64,
        ])
    }

    /// The object's id, which it keeps for life.
    pub(crate) fn id(&self) -> String {
        let serial = self.object.serial;
        let guid = || guid(&mut self.rng(Purpose::Id), serial, self.collection_seed);
        if self.collection.kind() == Kind::Singleton {
            return match self.collection.path() {
                "/policies/authorizationPolicy" => "authorizationPolicy".to_owned(),
                "/policies/authenticationMethodsPolicy" => "authenticationMethodsPolicy".to_owned(),
                "/policies/authenticationFlowsPolicy" => "authenticationFlowsPolicy".to_owned(),
                "/policies/deviceRegistrationPolicy" => "deviceRegistrationPolicy".to_owned(),
                _ => guid(),
            };
        }
        match self.collection.id_form {
            IdForm::Guid if self.may_have_odd_id() => odd_id(guid(), serial),
            IdForm::Guid | IdForm::Tenant => guid(),
            IdForm::ManagedApp => format!("T_{}", guid()),
            IdForm::Number => serial.to_string(),
            IdForm::Context => format!("c{}", serial + 1),
            IdForm::Child => format!("{}_{}", self.parent_id(), guid()),
            IdForm::Template => format!("{}_1", guid()),
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
                format!("{}_{suffix}", guid())
            }
        }
    }

    /// Whether ids of its collection need not be GUIDs. Those of filters are, everywhere.
    fn may_have_odd_id(&self) -> bool {
        let collection = self.collection;
        self.directory.odd_ids
            && collection.id_form == IdForm::Guid
            && collection.kind() == Kind::List
            && collection.is_intune()
            && collection.path() != places::FILTERS
    }

    /// Whether it stands under the parent with this id, in any case.
    pub(crate) fn is_under(&self, parent: &str) -> bool {
        let parents = index_of(places::ENROLLMENT_TOKENS);
        find_ever(self.directory, parents, parent).is_some_and(|row| row.id() == self.parent_id())
    }

    /// The id of the parent, for children.
    pub(crate) fn parent_id(&self) -> String {
        let parents = self.count_of(places::ENROLLMENT_TOKENS).max(1);
        let serial = usize::try_from(self.object.serial).unwrap_or(0);
        self.id_in(places::ENROLLMENT_TOKENS, serial % parents)
    }

    /// How many objects another collection of the tenant had at the beginning.
    pub(super) fn count_of(&self, place: &str) -> usize {
        self.directory.sets[index_of(place)].original
    }

    /// An object of another collection of the same tenant, there or gone.
    pub(super) fn other(&self, place: &str, serial: usize) -> Option<Row<'a>> {
        let index = index_of(place);
        let object = self.directory.sets[index].by_serial(u32::try_from(serial).ok()?)?;
        Some(Row::new(self.directory, index, object))
    }

    pub(super) fn id_in(&self, place: &str, serial: usize) -> String {
        self.other(place, serial)
            .map_or_else(String::new, |row| row.id())
    }

    /// The id of one of another collection's objects. Sometimes it names nothing: whoever deletes
    /// an object is not asked what leans on it.
    pub(super) fn one_in(&self, place: &str, rng: &mut Rng) -> String {
        let serial = rng.below(self.count_of(place));
        if rng.percent(3) {
            return rng.guid();
        }
        self.id_in(place, serial)
    }

    /// The id of an app of the tenant, or of one of those that Microsoft supplies.
    pub(super) fn one_app(&self, rng: &mut Rng) -> String {
        let own = self.one_in(places::APPS, rng);
        // From a stream of its own, so that no other value moves.
        let mut aside = Rng::from_text(&own, self.collection_seed);
        let supplied = self.count_of(places::APPS) + aside.below(6);
        let supplied = self.other(places::APPS, supplied);
        supplied
            .filter(|app| app.object.built_in && aside.percent(30))
            .map_or(own, |app| app.id())
    }

    /// When it was made and when it was changed last. Every change moves the second by a day,
    /// except for counts that move by themselves.
    pub(super) fn times(&self) -> (String, String) {
        let mut rng = self.rng(Purpose::Times);
        let day = |limit: usize, rng: &mut Rng| i64::try_from(rng.below(limit)).unwrap_or(0);
        let created = FIRST_DAY + day(1_500, &mut rng) * DAY + day(86_400, &mut rng);
        let changes = i64::from(self.revision()) + i64::from(self.object.reassigned);
        let modified = created + day(200, &mut rng) * DAY + changes * DAY;
        let ticks = rng.below(10_000_000);
        (moment(created, ticks), moment(modified, ticks / 3))
    }

    /// How often the contents were changed.
    pub(super) fn revision(&self) -> u16 {
        let object = self.object;
        object.renamed + object.edited + object.nested + object.secret + object.valued
    }

    pub(super) fn scope_tags(&self, links: &mut Links) -> Vec<String> {
        let mut rng = self.rng(Purpose::ScopeTags);
        let known = self.count_of(places::SCOPE_TAGS);
        let tags = match rng.below(20) {
            0 | 1 if known > 1 => vec![(1 + rng.below(known - 1)).to_string()],
            2 | 3 if known > 1 => vec!["0".to_owned(), (1 + rng.below(known - 1)).to_string()],
            // Was deleted long ago.
            4 if rng.percent(20) => vec!["0".to_owned(), "9999".to_owned()],
            _ => vec!["0".to_owned()],
        };
        for tag in &tags {
            links.add("scoped_by", "role_scope_tag", tag, &[]);
        }
        tags
    }
}

/// ISO 8601 with seven digits of a second, as Intune writes it.
fn moment(seconds: i64, ticks: usize) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    format!("{}.{ticks:07}Z", time.format("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    #[test]
    fn every_object_is_found_by_its_id_and_by_no_other() {
        let mut directory = Directory::generate(5, "11111111-2222-4333-8444-555555555555", 1_000);
        for odd_ids in [false, true] {
            directory.odd_ids = odd_ids;
            for (index, set) in directory.sets.iter().enumerate() {
                for object in set.iter() {
                    let id = Row::new(&directory, index, object).id();
                    assert_eq!(find(&directory, index, &id).unwrap().object, object);
                    let other = format!("{id}0");
                    assert!(find(&directory, index, &other).is_none(), "{other}");
                }
            }
        }
        let unknown = "11111111-2222-4333-8444-555555555555";
        assert!(find(&directory, index_of(places::APPS), unknown).is_none());
        assert!(find(&directory, index_of(places::APPS), "").is_none());
    }
}
