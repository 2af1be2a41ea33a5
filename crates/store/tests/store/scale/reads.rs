//! Every list of the store, whole, by each of its filters alone, and far into it.

mod events;
mod inventory;
mod people;
mod runs;

use std::pin::Pin;

use atlas_domain::access::operator::can_operate_installation;
use atlas_domain::clock::{Clock as _, SystemClock};
use atlas_domain::ids::{TenantId, UserId};
use atlas_store::{PageRequest, Place, Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::pages::Hundredth;
use super::{BUFFERS, PAGE, Seeded};

/// A tenant by its number in the seed, from 1; the first one is the largest.
pub(super) fn tenant(number: u64) -> TenantId {
    TenantId::from_uuid(numbered(number))
}

/// The user who is a member of all tenants.
pub(super) fn member_of_all() -> UserId {
    UserId::from_uuid(numbered(65_537))
}

fn numbered(number: u64) -> Uuid {
    format!("00000000-0000-7000-8000-{number:012x}")
        .parse()
        .unwrap()
}

/// The moment so many days ago.
fn days_ago(days: i64) -> DateTime<Utc> {
    SystemClock.now() - TimeDelta::days(days)
}

type Rows = Pin<Box<dyn Future<Output = usize>>>;

/// One call of the store.
pub(super) struct Read {
    name: String,
    call: Box<dyn Fn(Store) -> Rows>,
    finds_nothing: bool,
    /// Buffers that it may touch.
    most_buffers: i64,
}

impl Read {
    fn new<T, F>(name: &str, call: impl Fn(Store) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<T>, StoreError>> + 'static,
    {
        let call = move |store| -> Rows {
            let rows = call(store);
            Box::pin(async move { rows.await.unwrap().len() })
        };
        Self {
            name: name.to_owned(),
            call: Box::new(call),
            finds_nothing: false,
            most_buffers: BUFFERS,
        }
    }

    /// One that may touch more than a list.
    fn with_most_buffers(self, most_buffers: i64) -> Self {
        Self {
            most_buffers,
            ..self
        }
    }

    /// Gives the number of rows.
    pub(super) async fn call(&self, store: &Store) -> usize {
        (self.call)(store.clone()).await
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn most_buffers(&self) -> i64 {
        self.most_buffers
    }

    /// It is meant to find no rows.
    pub(super) fn finds_nothing(&self) -> bool {
        self.finds_nothing
    }
}

/// A page as the API asks for it: with one row more, to know whether there is another.
fn page<K>(place: Place<K>) -> PageRequest<K> {
    PageRequest {
        limit: PAGE + 1,
        place,
    }
}

/// A read of a page with a filter.
macro_rules! list {
    ($name:expr, $filter:expr, $place:expr, |$store:ident, $kept:ident, $page:ident| $call:expr) => {{
        let (filter, place) = ($filter, $place);
        Read::new($name, move |$store: Store| {
            let ($kept, $page) = (filter.clone(), page(place.clone()));
            async move { $call.await }
        })
    }};
}
use list;

/// All of them, over the largest tenant or all tenants.
pub(super) async fn all(seeded: &Seeded) -> Vec<Read> {
    let store = seeded.database.store();
    let hundredth = Hundredth::find(&store, member_of_all(), tenant(1)).await;
    let mut all = runs::all(&store, &hundredth).await;
    all.extend(inventory::items(&hundredth));
    all.extend(inventory::links_and_changes(&store, &hundredth).await);
    all.extend(people::all(&hundredth));
    all.extend(people::groups());
    all.extend(events::all(&store).await);
    all.extend(installation());
    seeded.end_sessions(store).await;
    all
}

fn installation() -> Vec<Read> {
    vec![
        Read::new("queues", |store| async move { store.queue_stats().await }),
        Read::new("workers", |store| async move {
            store
                .workers(&can_operate_installation(true).unwrap())
                .await
        }),
    ]
}
