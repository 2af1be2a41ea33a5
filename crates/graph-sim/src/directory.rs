//! What one tenant holds: for every collection the objects that stand in it.
//!
//! An object is a few numbers; its row is made from them when somebody asks. So 100,000 objects
//! cost little memory and no time at the start.

use std::collections::HashMap;
use std::sync::Arc;

use crate::collections::{Collection, Kind, collections, index_of};
use crate::content::Rng;

/// One object of a collection. Together with the tenant and the collection it determines the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its place in the collection, never used again.
    pub(crate) serial: u32,
    /// Which of the collection's variants it is.
    pub(crate) variant: u16,
    /// Microsoft's own, not the tenant's.
    pub(crate) built_in: bool,
    /// It was deleted.
    pub(crate) gone: bool,
    /// How often it was given another name, another description, another value deep inside,
    /// another secret, other counts, other assignments, and another value under it, with the
    /// object's time or without it.
    pub(crate) renamed: u16,
    pub(crate) edited: u16,
    pub(crate) nested: u16,
    pub(crate) secret: u16,
    pub(crate) counted: u16,
    pub(crate) reassigned: u16,
    pub(crate) valued: u16,
    pub(crate) valued_quietly: u16,
}

impl Object {
    pub(crate) const fn new(serial: u32, variant: u16) -> Self {
        Self {
            serial,
            variant,
            built_in: false,
            gone: false,
            renamed: 0,
            edited: 0,
            nested: 0,
            secret: 0,
            counted: 0,
            reassigned: 0,
            valued: 0,
            valued_quietly: 0,
        }
    }
}

/// The objects of one collection. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// By serial, also those that are gone.
    objects: Arc<Vec<Object>>,
    /// Serials of those that are there.
    live: Arc<Vec<u32>>,
    /// How many of its own the tenant had at the beginning. References point at those, also when
    /// one was deleted since, as it is with the real service.
    pub(crate) original: usize,
}

impl Set {
    fn new(objects: Vec<Object>) -> Self {
        let original = objects.iter().filter(|object| !object.built_in).count();
        let live = objects.iter().map(|object| object.serial).collect();
        Self {
            objects: Arc::new(objects),
            live: Arc::new(live),
            original,
        }
    }

    /// How many are there.
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// The one at this position of the list.
    pub(crate) fn at(&self, position: usize) -> Object {
        self.objects[usize::try_from(self.live[position]).unwrap_or(usize::MAX)]
    }

    /// Those that are there, in the order of the list.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Object> + '_ {
        (0..self.len()).map(|position| self.at(position))
    }

    /// The one with this serial, there or gone.
    pub(crate) fn by_serial(&self, serial: u32) -> Option<Object> {
        self.objects.get(usize::try_from(serial).ok()?).copied()
    }

    /// All that ever were, also those that are gone.
    pub(crate) fn ever(&self) -> &[Object] {
        &self.objects
    }

    /// Changes the one with this serial.
    pub(crate) fn change(&mut self, serial: u32, change: impl FnOnce(&mut Object)) {
        let objects = Arc::make_mut(&mut self.objects);
        let Some(object) = usize::try_from(serial)
            .ok()
            .and_then(|at| objects.get_mut(at))
        else {
            return;
        };
        let was_gone = object.gone;
        change(object);
        if object.gone != was_gone {
            let live = objects.iter().filter(|one| !one.gone);
            self.live = Arc::new(live.map(|one| one.serial).collect());
        }
    }

    /// Puts a new one at the end.
    pub(crate) fn push(&mut self, variant: u16) -> Object {
        let serial = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let object = Object::new(serial, variant);
        Arc::make_mut(&mut self.objects).push(object);
        Arc::make_mut(&mut self.live).push(serial);
        object
    }
}

/// Everything in one tenant. Cheap to clone: a page is made from a clone, without a lock.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) seed: u64,
    /// In the order of [`collections`].
    pub(crate) sets: Vec<Set>,
    /// Whether ids of some objects are not GUIDs.
    pub(crate) odd_ids: bool,
    /// Whether lists of scripts show their bodies.
    pub(crate) lists_scripts: bool,
    /// Whether lists cut settings that are expanded.
    pub(crate) cuts_settings: bool,
    /// How many settings each policy has; by its own numbers where absent.
    pub(crate) settings: Option<usize>,
    /// Edits of values under objects, by the collection's index and the object's serial.
    edits: Arc<EditsOfObjects>,
}

type EditsOfObjects = HashMap<(usize, u32), Arc<[Edit]>>;

/// What was edited under an object: the place of a value, times [`Edit::PARTS`], and a part of it.
/// How often an edit was made decides what the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edit(u32);

impl Edit {
    /// How many parts of a value can be edited apart from each other.
    pub(crate) const PARTS: usize = 8;

    pub(crate) fn of(place: usize, part: usize) -> Self {
        Self(u32::try_from(place * Self::PARTS + part).unwrap_or(u32::MAX))
    }
}

impl Directory {
    /// The tenant as it is before anything changed.
    pub(crate) fn generate(seed: u64, directory_id: &str, size: usize) -> Self {
        let seed = Rng::from_text(directory_id, seed).next();
        let sets = collections()
            .iter()
            .zip(shares(size))
            .map(|(collection, share)| Set::new(fill(seed, collection, &share)))
            .collect();
        Self {
            seed,
            sets,
            odd_ids: false,
            lists_scripts: false,
            cuts_settings: false,
            settings: None,
            edits: Arc::default(),
        }
    }
}

impl Directory {
    /// The edits of values under an object, in their order.
    pub(crate) fn edits(&self, index: usize, serial: u32) -> &[Edit] {
        self.edits
            .get(&(index, serial))
            .map_or(&[], |edits| edits.as_ref())
    }

    /// Makes an object what it was, or adds it as the next one.
    pub(crate) fn put(&mut self, index: usize, object: Object, edits: &[Edit]) {
        let set = &mut self.sets[index];
        if set.by_serial(object.serial).is_none() {
            set.push(object.variant);
        }
        set.change(object.serial, |one| *one = object);
        if self.edits(index, object.serial) != edits {
            Arc::make_mut(&mut self.edits).insert((index, object.serial), edits.into());
        }
    }

    /// Edits a value under an object.
    pub(crate) fn edit(&mut self, index: usize, serial: u32, edit: Edit) {
        let mut own = self.edits(index, serial).to_vec();
        own.push(edit);
        Arc::make_mut(&mut self.edits).insert((index, serial), own.into());
    }

    /// Fills up a collection to this many, with objects of its first policy type.
    pub(crate) fn fill_up(&mut self, place: &str, count: usize) {
        let set = &mut self.sets[index_of(place)];
        while set.len() < count {
            set.push(0);
        }
    }
}

/// How many objects each variant of each collection gets: one each, and what is left of `size`
/// by weight, largest remainders first.
fn shares(size: usize) -> Vec<Vec<usize>> {
    let weights: Vec<Vec<usize>> = collections()
        .iter()
        .map(|collection| {
            let weight = |weight: u32| usize::try_from(weight).unwrap_or(0);
            collection
                .variants
                .iter()
                .map(|variant| weight(variant.weight))
                .collect()
        })
        .collect();
    let variants: usize = weights.iter().map(Vec::len).sum();
    let total: usize = weights.iter().flatten().sum::<usize>().max(1);
    let rest = size.saturating_sub(variants);
    let mut shares: Vec<Vec<usize>> = weights
        .iter()
        .map(|each| {
            each.iter()
                .map(|weight| 1 + rest * weight / total)
                .collect()
        })
        .collect();
    let mut remainders: Vec<(usize, usize, usize)> = weights
        .iter()
        .enumerate()
        .flat_map(|(collection, each)| {
            each.iter()
                .enumerate()
                .map(move |(variant, weight)| (rest * weight % total, collection, variant))
        })
        .collect();
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let given: usize = shares.iter().flatten().sum();
    let missing = size.saturating_sub(given);
    for &(_, collection, variant) in remainders.iter().take(missing) {
        shares[collection][variant] += 1;
    }
    shares
}

fn fill(seed: u64, collection: &Collection, share: &[usize]) -> Vec<Object> {
    let mut variants: Vec<u16> = share
        .iter()
        .zip(0_u16..)
        .flat_map(|(&count, variant)| std::iter::repeat_n(variant, count))
        .collect();
    // Mixed, so that every page of a shared list holds rows of several policy types.
    let mut rng = Rng::from_text(collection.path(), seed);
    for last in (1..variants.len()).rev() {
        variants.swap(last, rng.below(last + 1));
    }
    let own = variants
        .into_iter()
        .zip(0_u32..)
        .map(|(variant, serial)| Object::new(serial, variant));
    let mut set: Vec<Object> = own.collect();
    let first = u32::try_from(set.len()).unwrap_or(u32::MAX);
    set.extend((0..collection.built_in).map(|number| Object {
        built_in: true,
        ..Object::new(first + number, 0)
    }));
    debug_assert!(collection.kind() != Kind::Singleton || set.len() == 1);
    set
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";

    fn tenants_own(directory: &Directory) -> usize {
        directory
            .sets
            .iter()
            .flat_map(Set::iter)
            .filter(|object| !object.built_in)
            .count()
    }

    #[test]
    fn a_tenant_has_as_many_objects_as_were_asked_for() {
        for size in [300, 1_000, 10_000, 100_000] {
            assert_eq!(tenants_own(&Directory::generate(7, TENANT, size)), size);
        }
    }

    #[test]
    fn a_tiny_tenant_still_has_one_object_of_every_type() {
        let directory = Directory::generate(7, TENANT, 1);
        for (set, collection) in directory.sets.iter().zip(collections()) {
            let own = set.iter().filter(|object| !object.built_in);
            let mut variants: Vec<_> = own.map(|object| usize::from(object.variant)).collect();
            variants.sort_unstable();
            let every: Vec<_> = (0..collection.variants.len()).collect();
            assert_eq!(variants, every, "{}", collection.path());
        }
    }
}
