//! From a path to what it names.

use super::odata;
use crate::collections::{Collection, Kind, collections};

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The collection's index in the table.
    pub(super) index: usize,
    /// The parent's id, for children.
    pub(super) parent: Option<String>,
    /// The object's id; without one, the list or the singleton.
    pub(super) item: Option<String>,
    /// What stands behind the object's id.
    pub(super) tail: Vec<String>,
}

/// `/beta/groups/1` as version and decoded segments. A key in parentheses is a segment too, and has
/// its apostrophes doubled.
pub(super) fn split_version(path: &str) -> Option<(&str, Vec<String>)> {
    let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
    let mut segments = Vec::new();
    for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
        let segment = odata::decode_segment(segment);
        let keyed = segment
            .strip_suffix("')")
            .and_then(|rest| rest.split_once("('"))
            .map(|(name, key)| (name.to_owned(), key.replace("''", "'")));
        match keyed {
            Some((name, key)) => segments.extend([name, key]),
            None => segments.push(segment),
        }
    }
    Some((version, segments))
}

/// The parent's id when the segments are the collection's; `Some(None)` without a parent.
fn matched(collection: &Collection, segments: &[String]) -> Option<Option<String>> {
    let mut parent = None;
    let mut own = collection.segments();
    for segment in segments {
        let expected = own.next()?;
        if expected.starts_with('{') {
            parent = Some(segment.clone());
        } else if expected != segment {
            return None;
        }
    }
    own.next().is_none().then_some(parent)
}

/// The collection whose path is the longest beginning of the segments.
pub(super) fn find(segments: &[String]) -> Option<Target> {
    (1..=segments.len()).rev().find_map(|length| {
        let (before, rest) = segments.split_at(length);
        collections().iter().enumerate().find_map(|(index, one)| {
            if !rest.is_empty() && one.kind() == Kind::Singleton {
                return None;
            }
            matched(one, before).map(|parent| Target {
                index,
                parent,
                item: rest.first().cloned(),
                tail: rest.iter().skip(1).cloned().collect(),
            })
        })
    })
}

/// The first segment that no collection's path has at its place.
pub(super) fn unknown_segment(segments: &[String]) -> &str {
    let known = |depth: usize| {
        collections().iter().any(|collection| {
            let mut own = collection.segments();
            segments[..=depth].iter().all(|segment| {
                own.next()
                    .is_some_and(|one| one == segment || one.starts_with('{'))
            })
        })
    };
    (0..segments.len())
        .find(|&depth| !known(depth))
        .or(segments.len().checked_sub(1))
        .map_or("", |depth| segments[depth].as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;
    use crate::collections::index_of;

    #[test]
    fn the_longest_path_wins_and_keys_may_stand_in_parentheses() {
        let target = |path: &str| find(&split_version(path).unwrap().1).unwrap();
        let one = target("/beta/deviceManagement/intents('a b')/assignments");
        let other = target("/beta/deviceManagement/intents/a%20b/assignments");
        assert_eq!(one, other);
        assert_eq!(one.index, index_of("/deviceManagement/intents"));
        assert_eq!(one.item.as_deref(), Some("a b"));
        assert_eq!(one.tail, ["assignments"]);
        let odd = target("/beta/deviceManagement/intents('O''Brien%2Fa+b%3D%3D')");
        assert_eq!(odd.item.as_deref(), Some("O'Brien/a+b=="));
        let child = target("/beta/deviceManagement/depOnboardingSettings/p/enrollmentProfiles/c");
        assert_eq!(
            (child.parent.as_deref(), child.item.as_deref()),
            (Some("p"), Some("c"))
        );
        let singleton = target("/beta/deviceManagement");
        assert_eq!(singleton.item, None);
    }
}
