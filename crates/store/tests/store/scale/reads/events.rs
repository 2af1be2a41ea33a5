//! The log of events: from its beginning, from its middle, and at its end.

use atlas_store::{
    EventFilter, EventPlace, EventTopics, EventsError, EventsFrom, Store, StoreError,
};

use super::{PAGE, Read, member_of_all, tenant};

/// To find in an index that there is nothing more.
const BUFFERS_OF_NOTHING: i64 = 40;

fn failed(error: EventsError) -> StoreError {
    match error {
        EventsError::Store(error) => error,
        EventsError::Gone => panic!("the place is of this log"),
    }
}

fn read(name: &str, topics: EventTopics, types: &[&str], from: EventsFrom) -> Read {
    let types: Vec<String> = types.iter().map(|&word| word.to_owned()).collect();
    Read::new(name, move |store| {
        let (topics, filter) = (
            topics.clone(),
            EventFilter {
                types: types.clone(),
            },
        );
        let limit = u16::try_from(PAGE).unwrap();
        async move {
            let page = store.events(&topics, &filter, from, limit).await;
            page.map(|page| page.events).map_err(failed)
        }
    })
}

/// Newest first, from the end or from a place on.
fn read_before(name: &str, topics: EventTopics, before: Option<EventPlace>) -> Read {
    Read::new(name, move |store| {
        let topics = topics.clone();
        let limit = u16::try_from(PAGE).unwrap();
        async move {
            let every = EventFilter::default();
            let page = store.events_before(&topics, &every, before, limit).await;
            page.map(|page| page.events).map_err(failed)
        }
    })
}

pub(super) async fn all(store: &Store) -> Vec<Read> {
    let topics = EventTopics::User(member_of_all());
    let none = EventFilter::default();
    let now = store.events(&topics, &none, EventsFrom::Now, 1).await;
    let end = now.unwrap().next;
    // The seed's numberings have one mark.
    let half = EventPlace {
        position: end.position / 200 * 100,
        mark: 1,
    };
    let middle = EventsFrom::After(half);
    let of = |number| EventTopics::Tenant(tenant(number));
    let (mine, start) = (topics, EventsFrom::Start);
    let completed = ["operation_run.completed"];
    let several = EventTopics::Several {
        tenants: (1..=20).map(tenant).collect(),
        users: vec![member_of_all()],
    };
    let nothing = |name, topics| Read {
        finds_nothing: true,
        most_buffers: BUFFERS_OF_NOTHING,
        ..read(name, topics, &[], EventsFrom::Now)
    };
    vec![
        read("events of a tenant", of(1), &[], start),
        read("events of a tenant, from the middle", of(1), &[], middle),
        read(
            "events of a small tenant, from the middle",
            of(150),
            &[],
            middle,
        ),
        read_before("events of a tenant, newest first", of(1), None),
        read_before("events of a tenant, before the middle", of(1), Some(half)),
        read_before(
            "events of a small tenant, before the middle",
            of(150),
            Some(half),
        ),
        read_before("events of a user, newest first", mine.clone(), None),
        read_before(
            "events of a user, before the middle",
            mine.clone(),
            Some(half),
        ),
        read("events of a tenant of a type", of(1), &completed, middle),
        read("events of a user", mine.clone(), &[], start),
        read(
            "events of a user, from the middle",
            mine.clone(),
            &[],
            middle,
        ),
        read(
            "events of a user of a type",
            mine.clone(),
            &completed,
            middle,
        ),
        read(
            "events of several, from the middle",
            several.clone(),
            &[],
            middle,
        ),
        nothing("events of a tenant, at the end", of(1)),
        nothing("events of a user, at the end", mine),
        nothing("events of several, at the end", several),
    ]
}
