//! A user of Redis with the rights that `docs/OPERATIONS.md` lists, and no others.

use std::collections::BTreeSet;

use atlas_queue::{Doorbell, ExaminationError};
use atlas_test_support::{
    RedisServer, documented_rights, eventually, refused_by_rights, run_words,
};
use redis::aio::MultiplexedConnection;

use super::{Ear, a_run, keys_of, listener_options_at, options_at};

/// The namespace of [`options_at`].
const NAMESPACE: &str = "test";
/// What apalis-redis writes outside of every namespace.
const OUTSIDE: &str = "core:apalis:queues:list";

/// Commands that were carried out, also within scripts.
async fn carried_out(admin: &mut MultiplexedConnection) -> BTreeSet<String> {
    let statistics: String = run_words(admin, &["INFO", "commandstats"]).await;
    statistics
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
        .filter(|(_, rest)| !rest.starts_with("0,"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[tokio::test]
async fn the_documented_user_may_do_all_that_both_sides_do_and_no_command_more() {
    let redis = RedisServer::start().await;
    let mut admin = redis.connection().await;
    let command = documented_rights(NAMESPACE);
    run_words::<()>(&mut admin, &command).await;
    // A message that finished long ago, ids without a payload, and a stream that has died.
    let keys = keys_of(NAMESPACE);
    let (data, meta) = (keys.job_data_hash(), keys.job_meta_hash());
    for planted in [
        vec!["HSET", &data, "old", "{}"],
        vec![
            "HSET",
            &format!("{meta}:old"),
            "status",
            "Done",
            "done_at",
            "1",
        ],
        vec!["ZADD", &keys.scheduled_jobs_set(), "1", "poison"],
        vec!["RPUSH", &keys.active_jobs_list(), "poison"],
        vec!["ZADD", &keys.workers_set(), "1", "dead"],
    ] {
        run_words::<redis::Value>(&mut admin, &planted).await;
    }
    run_words::<()>(&mut admin, &["CONFIG", "RESETSTAT"]).await;

    let url = redis.url_as("atlas:pass@");
    let mut ear = Ear::with(listener_options_at(&url));
    let doorbell = Doorbell::new(&options_at(&url)).unwrap();
    doorbell.examine().await.unwrap();
    let ring = a_run();
    doorbell.ring(ring, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(ring));

    let listed: BTreeSet<String> = command
        .iter()
        .filter_map(|word| word.strip_prefix('+'))
        .map(ToOwned::to_owned)
        .collect();
    assert!(listed.len() > 20, "{listed:?}");
    eventually("every documented command to be carried out", || async {
        let carried_out = carried_out(&mut redis.connection().await).await;
        listed.is_subset(&carried_out).then_some(())
    })
    .await;
    // Messages that were heard are given back, and the stream leaves.
    ear.close().await;
    atlas_queue::examine(&options_at(&url)).await.unwrap();
    assert_eq!(refused_by_rights(&mut admin).await, "");
}

#[tokio::test]
async fn each_documented_right_is_examined_and_a_rehearsal_fails_whenever_a_ring_does() {
    let redis = RedisServer::start().await;
    let mut admin = redis.connection().await;
    let all = documented_rights(NAMESPACE);
    let url = redis.url_as("atlas:pass@");
    let mut needed_by_a_ring = 0;
    for word in all.iter().filter(|word| word.starts_with('+')) {
        let command = word.trim_start_matches('+');
        let fewer = [&all[..], &[format!("-{command}")]].concat();
        run_words::<()>(&mut admin, &fewer).await;
        let examined = atlas_queue::examine(&options_at(&url)).await;
        let Err(ExaminationError::Refused(refused)) = examined else {
            panic!("without {command}: {examined:?}");
        };
        let named = format!("{}: ", command.replace('|', " ").to_uppercase());
        let names_it = |text: &String| text.starts_with(&named);
        assert!(refused.iter().any(names_it), "{named}{refused:?}");

        let doorbell = Doorbell::new(&options_at(&url)).unwrap();
        let rung = doorbell.ring(a_run(), None).await;
        let rehearsed = doorbell.rehearse().await;
        assert!(rung.is_ok() || rehearsed.is_err(), "{command}: {rung:?}");
        needed_by_a_ring += u32::from(rung.is_err());
    }
    assert!(needed_by_a_ring > 3, "{needed_by_a_ring}");
}

#[tokio::test]
async fn without_the_key_outside_of_the_namespace_no_stream_can_be_opened() {
    let redis = RedisServer::start().await;
    let mut admin = redis.connection().await;
    let mut command = documented_rights(NAMESPACE);
    command.retain(|word| !word.contains(OUTSIDE));
    assert_eq!(command.len() + 1, documented_rights(NAMESPACE).len());
    run_words::<()>(&mut admin, &command).await;
    let url = redis.url_as("atlas:pass@");
    let ear = Ear::with(listener_options_at(&url));
    eventually("the refusal", || async {
        let refused = refused_by_rights(&mut redis.connection().await).await;
        refused.contains(OUTSIDE).then_some(())
    })
    .await;
    drop(ear);
}
