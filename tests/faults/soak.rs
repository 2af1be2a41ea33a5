//! All faults in a random mix, for as long as one likes: `cargo xtask soak` sets the minutes and
//! the seed. The seed decides which faults come, in which order, when, and whom they strike; what
//! the processes were doing at that moment is the machine's.
//!
//! It goes in rounds of a minute, each with a database of its own, so that a night's soak checks
//! its runs while it goes and needs no more memory than a minute's. Half a minute in which Graph
//! answers oddly is its end.

mod chaos;
mod dice;
mod faults;
mod odd_answers;
mod tally;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use atlas_test_support::{Member, TestTenant};

use self::chaos::Chaos;
use self::dice::Dice;
use self::tally::Tally;
use crate::installation::{Installation, Options};
use crate::proxy::Proxy;
use crate::servers::{PostgresServer, RedisServer};

/// How long faults come in one round.
const ROUND: Duration = Duration::from_secs(60);
/// Tenants of a round.
const TENANTS: usize = 6;
/// Callers who press sync all the time.
const STARTERS: u64 = 3;
/// The longest time, in milliseconds, that a caller thinks before the next start. Without it a round
/// would be thousands of starts that join one another.
const THINKING: u64 = 150;
/// How long the last runs may take after the last fault: five attempts with doubled pauses.
const PATIENCE: Duration = Duration::from_secs(400);

/// The API gives up a push that is not answered: Redis is away for seconds, and callers wait.
fn short_push() -> [(&'static str, String); 1] {
    [("ATLAS_PUSH_TIMEOUT", "1s".to_owned())]
}

/// A number from a variable that `cargo xtask soak` sets.
fn setting(name: &str) -> u64 {
    let text = std::env::var(name).unwrap_or_else(|_| panic!("run: cargo xtask soak ({name})"));
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "lasts as long as one likes: cargo xtask soak"]
async fn a_random_mix_of_faults_loses_and_doubles_nothing() {
    let _slot = crate::slot::take().await;
    let (minutes, seed) = (setting("ATLAS_SOAK_MINUTES"), setting("ATLAS_SOAK_SEED"));
    println!("seed {seed}, {minutes} minutes");
    let mut postgres = PostgresServer::start_with_tls().await;
    let mut redis = RedisServer::start().await;
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut total = Tally::default();
    let mut number = 0;
    while Instant::now() < end {
        let dice = Dice::new(seed.wrapping_add(number));
        let left = end.saturating_duration_since(Instant::now());
        let tally = round(dice, left.min(ROUND), &mut postgres, &mut redis).await;
        println!("round {number}: {}", tally.line());
        total.add(tally);
        if total.is_broken() {
            break;
        }
        number += 1;
    }
    println!("\n{total}");
    assert!(!total.is_broken(), "see above; the seed is {seed}");
    let odd = odd_answers::half_a_minute(Dice::new(seed), &postgres, &redis).await;
    println!("{odd}");
    assert!(!odd.is_broken(), "see above; the seed is {seed}");
}

/// Faults for this long, then the time that the runs need to end, then the count.
async fn round(
    mut dice: Dice,
    length: Duration,
    postgres: &mut PostgresServer,
    redis: &mut RedisServer,
) -> Tally {
    let way_to_redis = Proxy::before(&redis.url()).await;
    let installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        database_parameters: Some(postgres.verifying()),
        redis_url: Some(way_to_redis.url(&redis.url())),
        api: short_push().to_vec(),
        latency: Some("20ms"),
    })
    .await;
    let way_to_postgres = Proxy::before(&installation.database.url()).await;
    let tenants = installation.tenants(TENANTS).await;
    let seeds: Vec<Dice> = (0..STARTERS).map(|_| dice.fork()).collect();
    let mut chaos = Chaos::new(
        &installation,
        dice,
        (way_to_postgres, way_to_redis),
        postgres,
        redis,
    );
    let over = AtomicBool::new(false);
    let starting = futures::future::join_all(
        seeds
            .into_iter()
            .map(|dice| press_at_random(&installation, &tenants, dice, &over)),
    );
    let breaking = async {
        chaos.rage(length).await;
        over.store(true, Ordering::Relaxed);
    };
    let ((), _) = tokio::join!(breaking, starting);
    let ended = installation.ends_within(PATIENCE).await;
    let mut tally = chaos.into_tally().await;
    tally.count(&installation, ended).await;
    tally
}

/// Presses sync, whatever the answers are.
async fn press_at_random(
    installation: &Installation,
    tenants: &[(TestTenant, Member)],
    mut dice: Dice,
    over: &AtomicBool,
) {
    while !over.load(Ordering::Relaxed) {
        let (tenant, member) = dice.choose(tenants);
        installation.press(*tenant, member).await;
        tokio::time::sleep(Duration::from_millis(dice.below(THINKING))).await;
    }
}
