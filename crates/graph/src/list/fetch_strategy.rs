//! How much of a list is requested at once: less after an answer that took too long or was too large.

use crate::collections::Collection;

/// Sizes of pages to fall back to, in rows. Intune's gateway gives up after a fixed time, and most
/// of that goes into what is expanded on each row.
const SMALLER_PAGES: [u32; 2] = [100, 20];

/// Rows on a page that carry their settings: they are many times as large as without, and two pages are
/// in memory, one that is stored and the next.
const WITH_SETTINGS: u32 = 500;

const TOP: &str = "$top=";

/// Page size and expansion of the requests of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FetchStrategy {
    /// Rows on a page, where fewer are wanted than the list's own query says.
    top: Option<u32>,
    /// Whether the rows are to carry what the list's own query expands of assignments.
    assignments: bool,
    /// Whether the rows are to carry their settings beside their assignments.
    settings: bool,
}

impl FetchStrategy {
    /// The list's own query.
    pub(crate) const FULL: Self = Self {
        top: None,
        assignments: true,
        settings: false,
    };

    /// The same with the rows' settings, for lists that may be asked so.
    pub(crate) fn with_settings(self, collection: &Collection) -> Self {
        if collection.query_with_settings().is_none() {
            return self;
        }
        Self {
            top: Some(WITH_SETTINGS),
            settings: true,
            ..self
        }
    }

    /// The same without the rows' settings.
    pub(crate) fn without_settings(self) -> Self {
        Self {
            top: self.top.filter(|top| *top != WITH_SETTINGS),
            settings: false,
            ..self
        }
    }

    /// Whether rows carry their settings.
    pub(crate) const fn settings(self) -> bool {
        self.settings
    }

    /// Whether rows that could carry their assignments do.
    pub(crate) const fn assignments(self) -> bool {
        self.assignments
    }

    /// The query of such a request.
    pub(crate) fn query(self, collection: &Collection) -> String {
        let with_settings = collection.query_with_settings();
        let query = match with_settings.filter(|_| self.settings) {
            Some(query) => query,
            None if self.assignments => collection.query().to_owned(),
            None => collection.query_without_assignments(),
        };
        let Some(top) = self.top else {
            return query;
        };
        let parts = query.split('&').map(|part| {
            if part.starts_with(TOP) {
                format!("{TOP}{top}")
            } else {
                part.to_owned()
            }
        });
        parts.collect::<Vec<_>>().join("&")
    }

    /// Rows on a page, as `$top` requests them. Many lists are requested without a size: the service
    /// chooses it, so that a full page of theirs cannot be recognized.
    pub(crate) fn size(self, collection: &Collection) -> Option<u32> {
        let own = || {
            let mut parts = collection.query().split('&');
            parts.find_map(|part| part.strip_prefix(TOP)?.parse().ok())
        };
        self.top.or_else(own)
    }

    /// The same in pages that are one row smaller. A list that ends with a full page of one size does
    /// not end so with the other, unless it is very long.
    pub(crate) fn one_less(self, collection: &Collection) -> Option<Self> {
        let top = self.size(collection)?.checked_sub(1)?;
        (top > 0).then_some(Self {
            top: Some(top),
            ..self
        })
    }

    /// The next strategy when this was too much: with settings, pages of a fifth, then rows without
    /// them; then smaller pages where the size can be requested, then rows without their assignments, of which more fit on a page again. Objects without
    /// assignments are better than none.
    pub(crate) fn less(self, collection: &Collection) -> Option<Self> {
        let size = self.size(collection);
        if self.settings {
            return Some(if self.top == Some(WITH_SETTINGS) {
                Self {
                    top: SMALLER_PAGES.first().copied(),
                    ..self
                }
            } else {
                Self::FULL
            });
        }
        let smaller = size.and_then(|size| SMALLER_PAGES.into_iter().find(|top| *top < size));
        if smaller.is_some() {
            return Some(Self {
                top: smaller,
                ..self
            });
        }
        let expanded = collection.query().contains("$expand=assignments");
        (self.assignments && expanded).then_some(Self {
            top: self.top.and(SMALLER_PAGES.first().copied()),
            assignments: false,
            settings: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::policy_types::registry;

    use super::*;
    use crate::collections::collections;

    fn queries(key: &str) -> Vec<String> {
        let key = registry().find(key).unwrap();
        let collection = collections().iter().find(|one| one.key() == key).unwrap();
        std::iter::successors(Some(FetchStrategy::FULL), |strategy| {
            strategy.less(collection)
        })
        .map(|strategy| strategy.query(collection))
        .collect()
    }

    #[test]
    fn pages_become_smaller_before_assignments_are_done_without() {
        assert_eq!(
            queries("settingsCatalogPolicy"),
            [
                "$expand=assignments&$top=1000",
                "$expand=assignments&$top=100",
                "$expand=assignments&$top=20",
                "$top=100",
                "$top=20"
            ]
        );
        assert_eq!(
            queries("iosManagedAppProtection"),
            ["$expand=assignments,apps", "$expand=apps"]
        );
    }

    #[test]
    fn settings_are_expanded_where_they_may_be_and_done_without_first() {
        for collection in collections() {
            let with = FetchStrategy::FULL.with_settings(collection);
            let catalog = collection.path() == "/deviceManagement/configurationPolicies";
            assert_eq!(with.settings(), catalog, "{}", collection.path());
            assert_eq!(with.without_settings(), FetchStrategy::FULL);
            if !catalog {
                continue;
            }
            let steps = std::iter::successors(Some(with), |one| one.less(collection));
            let queries: Vec<_> = steps.map(|one| one.query(collection)).take(4).collect();
            assert_eq!(
                queries,
                [
                    "$expand=assignments,settings&$top=500",
                    "$expand=assignments,settings&$top=100",
                    "$expand=assignments&$top=1000",
                    "$expand=assignments&$top=100"
                ]
            );
        }
    }

    #[test]
    fn a_size_that_shows_whether_a_list_is_cut_leaves_a_rest() {
        for collection in collections() {
            let mut strategy = FetchStrategy::FULL;
            let Some(size) = strategy.size(collection) else {
                assert!(strategy.one_less(collection).is_none());
                continue;
            };
            for less in [1, 2] {
                strategy = strategy.one_less(collection).unwrap();
                assert_eq!(strategy.size(collection), Some(size - less));
                assert!(
                    strategy
                        .query(collection)
                        .contains(&format!("$top={}", size - less))
                );
                assert!((1..50).all(|pages| pages * size % (size - less) > 0));
            }
        }
    }

    #[test]
    fn no_list_is_asked_for_less_without_end() {
        for collection in collections() {
            let steps =
                std::iter::successors(Some(FetchStrategy::FULL), |one| one.less(collection));
            assert!(steps.take(10).count() < 6, "{}", collection.path());
        }
    }
}
