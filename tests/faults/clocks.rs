//! Clocks that are wrong: those of programs by ten minutes, and PostgreSQL's by an hour.

use crate::installation::{Installation, ONE_SLOT, Options};
use crate::load::{more_succeed, under_load};
use crate::program::Program;

const AHEAD: &str = "+10m";
const BEHIND: &str = "-10m";
/// How often a worker is killed, or PostgreSQL's clock is set.
const TIMES: usize = 4;
const TAKEN_BACK: &str = "SELECT count(*) FROM operation_run_events WHERE event = 'lease_lost'";

/// What lets a program see another time. Only the time of day is shifted: no machine's monotonic
/// clock jumps.
fn wrong(shift: &'static str) -> Vec<(&'static str, String)> {
    let library = std::env::var("ATLAS_FAKETIME_LIBRARY").unwrap_or_else(|_| {
        panic!(
            "no clock can be set wrong here, so nothing was tested: install libfaketime (or \
             apt-get and dpkg-deb, which unpack it) and run: cargo xtask test"
        )
    });
    vec![
        ("LD_PRELOAD", library),
        ("FAKETIME", shift.to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

fn worker(installation: &Installation, shift: &'static str) -> Program {
    let shifted = wrong(shift);
    let mut variables = vec![ONE_SLOT];
    variables.extend(shifted.iter().map(|(name, value)| (*name, value.as_str())));
    installation.worker(&variables)
}

/// Whether the program's log was begun at another time than PostgreSQL's now and `minutes`, give or
/// take two.
async fn assert_shifted(installation: &Installation, program: &Program, minutes: f64) {
    let log = std::fs::read_to_string(&program.log).unwrap();
    let begun = log.split_whitespace().next().unwrap();
    let connection = installation.database.connection().await;
    let sql = "SELECT abs(extract(epoch FROM
        $1::text::timestamptz - clock_timestamp() - $2 * interval '1 minute')) < 120";
    let row = connection.query_one(sql, &[&begun, &minutes]).await;
    assert!(row.unwrap().get::<_, bool>(0), "{begun} {minutes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_once_though_clocks_of_programs_are_ten_minutes_ahead_and_behind() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start_with(Options {
        api: wrong(AHEAD),
        latency: Some("20ms"),
        ..Options::default()
    })
    .await;
    let clocks = [AHEAD, BEHIND];
    let mut workers = clocks.map(|shift| worker(&installation, shift));
    under_load(&installation, async {
        for n in 0..TIMES {
            more_succeed(&installation).await;
            installation.hold().await;
            installation.held(2).await;
            workers[n % 2].kill();
            installation.release().await;
            workers[n % 2] = worker(&installation, clocks[n % 2]);
        }
        more_succeed(&installation).await;
    })
    .await;
    installation.check().await;
    assert_shifted(&installation, &workers[0], 10.0).await;
    assert_shifted(&installation, &workers[1], -10.0).await;
    assert_killed_were_missed(&installation).await;
}

/// Each of the killed had a run.
async fn assert_killed_were_missed(installation: &Installation) {
    let killed = i64::try_from(TIMES).unwrap();
    assert!(installation.number(TAKEN_BACK).await >= killed);
}

/// Lets leases look as they would if PostgreSQL's clock had been set by so many hours.
async fn set_clock(installation: &Installation, hours: f64) {
    let connection = installation.database.connection().await;
    let sql = "UPDATE operation_runs SET
            lease_expires_at = lease_expires_at - $1 * interval '1 hour',
            heartbeat_at = heartbeat_at - $1 * interval '1 hour'
        WHERE status = 'running'";
    connection.execute(sql, &[&hours]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_though_postgresqls_clock_is_set_forward_by_an_hour() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let _workers = [
        installation.worker(&[ONE_SLOT]),
        installation.worker(&[ONE_SLOT]),
    ];
    under_load(&installation, async {
        for _ in 0..TIMES {
            more_succeed(&installation).await;
            installation.hold().await;
            installation.held(2).await;
            let before = installation.number(TAKEN_BACK).await;
            // An owner may renew its lease before anybody sees that it ran out.
            atlas_test_support::eventually("a run to be taken from its owner", || async {
                set_clock(&installation, 1.0).await;
                (installation.number(TAKEN_BACK).await > before).then_some(())
            })
            .await;
            installation.release().await;
        }
        more_succeed(&installation).await;
    })
    .await;
    installation.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_though_postgresqls_clock_is_set_back_by_an_hour() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let mut workers = [
        installation.worker(&[ONE_SLOT]),
        installation.worker(&[ONE_SLOT]),
    ];
    under_load(&installation, async {
        for n in 0..TIMES {
            more_succeed(&installation).await;
            installation.hold().await;
            installation.held(2).await;
            // The lease of the one is nobody's now, and by that clock good for an hour.
            workers[n % 2].kill();
            set_clock(&installation, -1.0).await;
            installation.release().await;
            workers[n % 2] = installation.worker(&[ONE_SLOT]);
        }
        more_succeed(&installation).await;
    })
    .await;
    installation.check().await;
    assert_killed_were_missed(&installation).await;
}
