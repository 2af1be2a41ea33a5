use super::*;

fn patience(seconds: u64) -> Patience {
    Patience::new(Duration::from_secs(seconds))
}

fn pacer() -> Pacer {
    Pacer::new(&GraphOptions::default(), Arc::default())
}

fn one(bucket: Bucket) -> [Charge; 1] {
    [Charge { bucket, units: 1 }]
}

const APPS: Bucket = Bucket::Intune("apps");
const RBAC: Bucket = Bucket::Intune("rbac");
const ACCESS: Bucket = Bucket::ConditionalAccess;

/// Lets `count` requests start one after the other; when they did, in milliseconds.
async fn starts(pacer: &Pacer, bucket: Bucket, count: usize) -> Vec<u128> {
    let begin = Instant::now();
    let mut seen = Vec::new();
    for _ in 0..count {
        pacer
            .turn(&one(bucket), &mut patience(60), None)
            .await
            .unwrap();
        seen.push(begin.elapsed().as_millis());
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn no_window_holds_more_than_the_share_of_the_limit() {
    let pacer = pacer();
    let seen = starts(&pacer, APPS, 2_000).await;
    for (place, start) in seen.iter().enumerate().skip(800) {
        assert!(start - seen[place - 800] >= 20_000, "request {place}");
    }
    assert_eq!((seen[799], seen[800], seen[1_600]), (0, 20_000, 40_000));
    let identity = starts(&pacer, Bucket::Identity, 2_801).await;
    assert_eq!((identity[2_799], identity[2_800]), (0, 10_000));
}

#[tokio::test(start_paused = true)]
async fn conditional_access_is_asked_at_a_distance_also_after_a_pause() {
    let pacer = pacer();
    assert_eq!(starts(&pacer, ACCESS, 3).await, [0, 1_100, 2_200]);
    pacer.pause(ACCESS, Duration::from_secs(10));
    let after = starts(&pacer, ACCESS, 2).await;
    assert_eq!(after[0], 10_000);
    assert!(after[1] - after[0] >= 1_100, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_its_service_alone_and_the_longer_one_wins() {
    let pacer = pacer();
    let begin = Instant::now();
    pacer.pause(APPS, Duration::from_secs(5));
    pacer.pause(APPS, Duration::from_secs(2));
    assert!(!pacer.is_idle());
    pacer
        .turn(&one(RBAC), &mut patience(60), None)
        .await
        .unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    // An envelope waits for the longest pause of what is in it.
    let both = [one(RBAC)[0], one(APPS)[0]];
    pacer.turn(&both, &mut patience(60), None).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_application_holds_every_tenant() {
    let pause = Arc::new(ApplicationPause::default());
    let pacers = [(); 2].map(|()| Pacer::new(&GraphOptions::default(), Arc::clone(&pause)));
    let begin = Instant::now();
    pacers[0].pause_application(Duration::from_secs(3));
    pacers[1]
        .turn(&one(RBAC), &mut patience(60), None)
        .await
        .unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_that_long_is_refused_at_once() {
    let pacer = pacer();
    let begin = Instant::now();
    pacer.pause(APPS, Duration::from_secs(600));
    let turn = pacer.turn(&one(APPS), &mut patience(300), None).await;
    let remaining = Duration::from_secs(600);
    assert_eq!(turn.unwrap_err(), PausedTooLong { remaining });
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn requests_that_queued_before_a_pause_do_not_rush_out_after_it() {
    let pacer = Arc::new(pacer());
    let begin = Instant::now();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let pacer = Arc::clone(&pacer);
        waiting.spawn(async move {
            pacer
                .turn(&one(ACCESS), &mut patience(60), None)
                .await
                .unwrap();
            begin.elapsed().as_millis()
        });
    }
    tokio::task::yield_now().await;
    pacer.pause(ACCESS, Duration::from_secs(10));
    let mut turns = waiting.join_all().await;
    turns.sort_unstable();
    for pair in turns[1..].windows(2) {
        assert!(pair[1] - pair[0] >= 1_100, "{turns:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_keep_a_distance_while_much_of_the_limit_is_used_and_after_a_pause() {
    let pacer = pacer();
    let usage = Usage {
        units: None,
        limit_percentage: Some(0.9),
    };
    pacer
        .turn(&one(APPS), &mut patience(60), None)
        .await
        .unwrap();
    pacer.note(one(APPS)[0], usage);
    // 800 requests in 20 seconds, spread evenly.
    assert_eq!(starts(&pacer, APPS, 3).await, [25, 50, 75]);
    pacer.pause(APPS, Duration::from_secs(1));
    assert_eq!(starts(&pacer, APPS, 3).await, [1_000, 1_050, 1_100]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(starts(&pacer, APPS, 3).await, [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn requests_above_a_limit_keep_twice_the_distance_and_those_that_just_use_it_up_do_not() {
    for (bucket, percentage, expected) in [
        (ACCESS, 1.0, [1_100, 2_200, 3_300]),
        (ACCESS, 1.2, [2_200, 3_300, 4_400]),
        (APPS, 1.0, [25, 50, 75]),
        (APPS, 1.2, [50, 100, 150]),
    ] {
        let pacer = pacer();
        let usage = Usage {
            units: None,
            limit_percentage: Some(percentage),
        };
        pacer
            .turn(&one(bucket), &mut patience(60), None)
            .await
            .unwrap();
        pacer.note(one(bucket)[0], usage);
        let starts = starts(&pacer, bucket, 3).await;
        assert_eq!(starts, expected, "{bucket:?} {percentage}");
    }
}

#[tokio::test(start_paused = true)]
async fn units_that_a_request_used_up_beyond_what_was_expected_count() {
    let pacer = pacer();
    let usage = Usage {
        units: Some(100),
        limit_percentage: None,
    };
    for _ in 0..28 {
        let charge = one(Bucket::Identity);
        pacer.turn(&charge, &mut patience(60), None).await.unwrap();
        pacer.note(charge[0], usage);
    }
    let next = starts(&pacer, Bucket::Identity, 1).await;
    assert_eq!(next, [10_000]);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_allowed_and_one_that_waits_for_its_pace_is_not() {
    let options = GraphOptions {
        concurrency: 2,
        ..GraphOptions::default()
    };
    let pacer = Arc::new(Pacer::new(&options, Arc::default()));
    pacer
        .turn(&one(ACCESS), &mut patience(60), None)
        .await
        .unwrap();
    let paced = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move {
            pacer
                .turn(&one(ACCESS), &mut patience(60), None)
                .await
                .unwrap();
        })
    };
    tokio::task::yield_now().await;
    let mut all = patience(60);
    let first = pacer.turn(&one(APPS), &mut all, None).await.unwrap();
    let second = pacer.turn(&one(RBAC), &mut all, None).await.unwrap();
    let mut more = patience(60);
    let charges = one(APPS);
    let third = pacer.turn(&charges, &mut more, None);
    let wait = Duration::from_secs(5);
    assert!(tokio::time::timeout(wait, third).await.is_err());
    drop(first);
    pacer.turn(&one(APPS), &mut all, None).await.unwrap();
    drop(second);
    paced.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_page_takes_its_place_when_it_is_asked_for_and_none_while_its_tenant_has_to_wait() {
    let places = Arc::new(Semaphore::new(1));
    let (paused, free) = (Arc::new(pacer()), pacer());
    paused.pause(APPS, Duration::from_secs(30));
    let waiting = {
        let (paused, places) = (Arc::clone(&paused), Arc::clone(&places));
        tokio::spawn(async move {
            let charges = one(APPS);
            let mut long = patience(60);
            let turn = paused.turn(&charges, &mut long, Some(&places)).await;
            turn.unwrap().place.is_some()
        })
    };
    tokio::task::yield_now().await;
    let (charges, mut long) = (one(APPS), patience(60));
    let turn = free.turn(&charges, &mut long, Some(&places)).await;
    let held = turn.unwrap().place.unwrap();
    // Nobody else gets one as long as it is held, also when the pause is over.
    let wait = Duration::from_secs(40);
    let (mut more, mut others) = (patience(60), patience(60));
    let next = free.turn(&charges, &mut more, Some(&places));
    assert!(tokio::time::timeout(wait, next).await.is_err());
    assert!(!waiting.is_finished());
    // Who brings no page needs none.
    free.turn(&charges, &mut others, None).await.unwrap();
    drop(held);
    assert!(waiting.await.unwrap());
}
