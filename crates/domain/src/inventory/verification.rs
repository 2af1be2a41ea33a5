//! Which values are read again although their objects have not moved.
//!
//! It is not documented that the time of the last edit moves with every edit. So values are verified:
//! each sync reads as many as are its share of the time within which each is to be verified once, those
//! first that were not read for longest.

use std::time::Duration;

use crate::words::words;

words! {
    /// Which values a sync reads although they are stored, where that was asked for. Otherwise those
    /// that are [`due`].
    pub enum Verify: "verification" {
        /// Every value.
        All = "all",
    }
}

/// How many of the values with these ages are due. `ages`: for each object whose values are stored,
/// the seconds since they were read.
///
/// The youngest age is how long ago the last reading was, and is taken for the distance of syncs: what
/// would be older than `within` at the next one is due, and so is the share of all that belongs to that
/// distance, so that values that were read together do not become due together.
#[must_use]
pub fn due(ages: &[u32], within: Duration) -> usize {
    let within = within.as_secs();
    let Some(distance) = ages.iter().min().copied().map(u64::from) else {
        return 0;
    };
    if distance.saturating_mul(2) >= within {
        return ages.len();
    }
    let late = ages
        .iter()
        .filter(|age| u64::from(**age) + distance >= within)
        .count();
    let count = u128::try_from(ages.len()).unwrap_or(u128::MAX);
    let share = count.saturating_mul(u128::from(distance)) / u128::from(within - distance);
    late.max(usize::try_from(share).unwrap_or(usize::MAX))
        .min(ages.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 24 * 60 * 60;
    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Syncs at these distances, the oldest values first. Returns how many were due each time, and the
    /// greatest age that values had when they were read again.
    fn syncs(objects: usize, distances: impl Iterator<Item = u32>) -> (Vec<usize>, u32) {
        let (mut ages, mut oldest) = (vec![0; objects], 0);
        let counts = distances.map(|distance| {
            ages.iter_mut().for_each(|age| *age += distance);
            ages.sort_unstable_by(|one, other| other.cmp(one));
            let due = due(&ages, WEEK);
            for age in &mut ages[..due] {
                oldest = oldest.max(*age);
                *age = 0;
            }
            due
        });
        (counts.collect(), oldest)
    }

    #[test]
    fn right_after_a_reading_nothing_is_due() {
        for objects in [0, 1, 20, 2_000] {
            let (counts, _) = syncs(objects, [10, 0, 120].into_iter());
            assert_eq!(counts, [0, 0, 0], "{objects}");
        }
    }

    #[test]
    fn seven_nights_verify_each_object_in_about_equal_parts() {
        for objects in [1, 5, 2_000] {
            let (counts, oldest) = syncs(objects, std::iter::repeat_n(DAY, 28));
            assert!(counts[..7].iter().sum::<usize>() >= objects, "{counts:?}");
            assert!(oldest <= 7 * DAY, "{objects}: {oldest}");
            let most = counts.iter().max().unwrap();
            assert!(*most <= objects.div_ceil(6) + 1, "{objects}: {counts:?}");
        }
    }

    #[test]
    fn no_distance_of_syncs_leaves_values_unverified_for_longer() {
        for hours in [1, 5, 24, 50, 80, 167] {
            let distance = hours * 60 * 60;
            let (_, oldest) = syncs(300, std::iter::repeat_n(distance, 400));
            assert!(oldest <= 7 * DAY, "every {hours} hours: {oldest}");
        }
        let (counts, _) = syncs(300, [8 * DAY].into_iter());
        assert_eq!(counts, [300], "after a week without syncs all are due");
    }
}
