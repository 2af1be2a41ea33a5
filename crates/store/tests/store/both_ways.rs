//! Lists read page by page to their end, and back.

use std::fmt::Debug;

use atlas_store::{PageRequest, Place, StoreError};

/// The rows of a list. Going back from its end gives the pages that going forward gave.
pub(crate) async fn both_ways<R, K, F>(
    limit: i64,
    list: impl Fn(PageRequest<K>) -> F,
    key: impl Fn(&R) -> K,
) -> Vec<R>
where
    K: PartialEq + Debug,
    F: Future<Output = Result<Vec<R>, StoreError>>,
{
    let read = async |place| list(PageRequest { limit, place }).await.unwrap();
    let keys = |rows: &[R]| -> Vec<K> { rows.iter().map(&key).collect() };
    let mut pages = vec![read(Place::First).await];
    while let Some(last) = pages[pages.len() - 1].last() {
        let next = read(Place::After(key(last))).await;
        pages.push(next);
    }
    pages.pop();
    let mut expected = pages.iter().rev();
    let mut page = expected.next();
    while let Some(rows) = page {
        assert!(rows.len() <= usize::try_from(limit).unwrap());
        page = expected.next();
        let before = read(Place::Before(key(&rows[0]))).await;
        let expected = page.map(|rows| keys(rows)).unwrap_or_default();
        assert_eq!(keys(&before), expected);
    }
    pages.into_iter().flatten().collect()
}
