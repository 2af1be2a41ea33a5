use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";
const LORD_HOWE: &str = "Australia/Lord_Howe";

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

fn request(cron: &str, zone: &str) -> ScheduleRequest {
    ScheduleRequest {
        cron: Some(cron.to_owned()),
        zone: Some(zone.to_owned()),
        ..ScheduleRequest::default()
    }
}

fn daily(time: &str, zone: &str) -> ScheduleRequest {
    ScheduleRequest {
        time: Some(time.to_owned()),
        zone: Some(zone.to_owned()),
        ..ScheduleRequest::default()
    }
}

fn next(request: &ScheduleRequest, after: &str, count: usize) -> Vec<String> {
    let schedule = request.resolve().unwrap();
    let due = schedule.due_times(tenant(), after.parse().unwrap());
    due.take(count)
        .map(|time| time.format("%FT%RZ").to_string())
        .collect()
}

fn refusals(request: &ScheduleRequest) -> Vec<(String, &'static str, String)> {
    let errors = request.resolve().unwrap_err();
    let parts = |error: FieldError| (error.pointer, error.code, error.detail);
    errors.into_iter().map(parts).collect()
}

#[test]
fn a_time_of_the_day_is_that_of_clocks_in_the_zone() {
    assert_eq!(
        next(&daily("02:30", BERLIN), "2026-06-30T23:00:00Z", 2),
        ["2026-07-01T00:30Z", "2026-07-02T00:30Z"]
    );
    assert_eq!(
        next(&daily("02:30", BERLIN), "2026-12-01T01:30:00Z", 1),
        ["2026-12-02T01:30Z"],
        "a time that has come is not the next one"
    );
}

#[test]
fn a_time_that_a_day_does_not_have_is_due_after_the_gap() {
    assert_eq!(
        next(&daily("02:30", BERLIN), "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]
    );
    assert_eq!(
        next(&daily("02:30", NEW_YORK), "2026-03-07T12:00:00Z", 2),
        ["2026-03-08T07:00Z", "2026-03-09T06:30Z"]
    );
    // Clocks go from 02:00 to 02:30.
    assert_eq!(
        next(&daily("02:15", LORD_HOWE), "2026-10-03T12:00:00Z", 2),
        ["2026-10-03T15:30Z", "2026-10-04T15:15Z"]
    );
}

#[test]
fn several_times_in_a_gap_are_due_once() {
    assert_eq!(
        next(
            &request("0,20,40 1-3 * * *", BERLIN),
            "2026-03-29T00:20:00Z",
            4
        ),
        [
            "2026-03-29T00:40Z",
            "2026-03-29T01:00Z",
            "2026-03-29T01:20Z",
            "2026-03-29T01:40Z"
        ]
    );
}

#[test]
fn a_time_that_a_day_has_twice_is_due_once() {
    assert_eq!(
        next(&daily("02:30", BERLIN), "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]
    );
    assert_eq!(
        next(&daily("01:30", NEW_YORK), "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T05:30Z", "2026-11-02T06:30Z"]
    );
    // Clocks go from 02:00 back to 01:30.
    assert_eq!(
        next(&daily("01:45", LORD_HOWE), "2026-04-04T12:00:00Z", 2),
        ["2026-04-04T14:45Z", "2026-04-05T15:15Z"]
    );
    // Between the two, the next one is that of the next day.
    assert_eq!(
        next(&daily("02:30", BERLIN), "2026-10-25T01:00:00Z", 1),
        ["2026-10-26T01:30Z"]
    );
}

#[test]
fn the_29th_of_february_comes_again_after_a_year_without_it() {
    assert_eq!(
        next(&request("0 3 29 2 *", "Etc/UTC"), "2096-03-01T00:00:00Z", 2),
        ["2104-02-29T03:00Z", "2108-02-29T03:00Z"]
    );
}

#[test]
fn jitter_is_the_same_for_a_tenant_each_time_and_spreads_tenants() {
    let mut request = daily("02:30", "Etc/UTC");
    request.jitter_minutes = Some(60);
    let schedule = request.resolve().unwrap();
    let tenants = (0..200).map(|number| TenantId::from_uuid(Uuid::from_u128(number)));
    let mut minutes = std::collections::BTreeSet::new();
    for tenant in tenants {
        let jitter = schedule.jitter(tenant);
        assert!(jitter >= TimeDelta::zero() && jitter <= TimeDelta::minutes(60));
        let after: DateTime<Utc> = "2026-11-30T02:30:00Z".parse().unwrap();
        let due: Vec<_> = schedule
            .due_times(tenant, after - TimeDelta::seconds(1))
            .take(2)
            .collect();
        assert_eq!(due[0], after + jitter);
        assert_eq!(due[1], after + TimeDelta::days(1) + jitter);
        // After the time and before the tenant's part of the jitter it is still due.
        if jitter > TimeDelta::zero() {
            assert_eq!(schedule.due_times(tenant, after).next(), Some(due[0]));
        }
        minutes.insert(jitter.num_minutes());
    }
    assert!(minutes.len() > 40, "{minutes:?}");
}

#[test]
fn what_is_wrong_is_said_with_a_pointer() {
    for (request, pointer, code, text) in [
        (
            request("61 * * * *", BERLIN),
            "/cron",
            "bad_cron",
            "minute: '61'",
        ),
        (
            request("0 0 30 2 *", BERLIN),
            "/cron",
            "never_fires",
            "never fires",
        ),
        (
            request("0 0 31 4,6,9,11 *", BERLIN),
            "/cron",
            "never_fires",
            "never fires",
        ),
        (
            request("*/10 * * * *", BERLIN),
            "/cron",
            "too_often",
            "fires 10 minutes",
        ),
        (
            request("0,50 0,23 * * *", BERLIN),
            "/cron",
            "too_often",
            "fires 10 minutes",
        ),
        (
            request("55 23 * * *", "Berlin"),
            "/zone",
            "unknown_zone",
            "IANA",
        ),
        (daily("24:00", BERLIN), "/time", "bad_time", "as 02:30"),
        (daily("2:30", BERLIN), "/time", "bad_time", "as 02:30"),
        (daily("02:30:00", BERLIN), "/time", "bad_time", "as 02:30"),
        (
            ScheduleRequest {
                jitter_minutes: Some(721),
                ..daily("02:30", BERLIN)
            },
            "/jitter_minutes",
            "out_of_range",
            "from 0 to 720",
        ),
        (
            ScheduleRequest {
                jitter_minutes: Some(-1),
                ..daily("02:30", BERLIN)
            },
            "/jitter_minutes",
            "out_of_range",
            "from 0 to 720",
        ),
        (
            ScheduleRequest {
                cron: Some("0 3 * * *".to_owned()),
                ..daily("02:30", BERLIN)
            },
            "/cron",
            "time_and_cron",
            "not both",
        ),
    ] {
        let found = refusals(&request);
        assert_eq!(found.len(), 1, "{request:?}: {found:?}");
        assert_eq!(
            (found[0].0.as_str(), found[0].1),
            (pointer, code),
            "{found:?}"
        );
        assert!(found[0].2.contains(text), "{found:?}");
    }
    let nothing = refusals(&ScheduleRequest::default());
    assert_eq!(nothing.len(), 2, "{nothing:?}");
}

#[test]
fn times_of_days_that_never_follow_each_other_may_be_close() {
    let close = "5,55 0,23 * * ";
    assert!(request(&format!("{close}1"), BERLIN).resolve().is_ok());
    let found = refusals(&request(&format!("{close}1-2"), BERLIN));
    assert!(found[0].2.contains("fires 10 minutes"), "{found:?}");
}

/// A field that is `*`, a step, a list or a range.
fn field(first: u32, last: u32) -> impl Strategy<Value = String> {
    let number = first..=last;
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=last).prop_map(|step| format!("*/{step}")),
        3 => prop::collection::vec(number.clone(), 1..4).prop_map(|values| {
            values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        }),
        2 => (number.clone(), number, 1..4_u32).prop_map(|(one, other, step)| {
            format!("{}-{}/{step}", one.min(other), one.max(other))
        }),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    // Often enough minutes that are far enough from each other.
    let minute = prop_oneof![
        4 => (0..60_u32).prop_map(|minute| minute.to_string()),
        1 => Just("*/15".to_owned()),
        1 => Just("5,35".to_owned()),
        1 => field(0, 59),
    ];
    (
        minute,
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    )
        .prop_map(|(minute, hour, day, month, weekday)| {
            format!("{minute} {hour} {day} {month} {weekday}")
        })
}

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        BERLIN,
        NEW_YORK,
        LORD_HOWE,
        "Etc/UTC",
        "America/St_Johns",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "America/Santiago",
    ])
}

/// The expression, as somebody else understands it.
fn oracle(text: &str) -> Cron {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    parser.parse(text).unwrap()
}

/// Whether the expression fires at what clocks show.
fn fires(cron: &Cron, local: NaiveDateTime) -> bool {
    cron.is_time_matching(&local.and_utc()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn due_times_rise_and_are_those_of_the_expression_in_its_zone(
        text in expression(),
        zone in zone(),
        after in 1_767_225_600_i64..1_893_456_000,
        jitter in 0..=i64::from(MOST_JITTER),
    ) {
        let request = ScheduleRequest { jitter_minutes: Some(jitter), ..request(&text, zone) };
        let Ok(schedule) = request.resolve() else { return Ok(()) };
        let after = DateTime::from_timestamp(after, 0).unwrap();
        let due: Vec<_> = schedule.due_times(tenant(), after).take(6).collect();
        prop_assert_eq!(due.len(), 6);
        prop_assert!(due[0] > after);
        prop_assert!(due.is_sorted_by(|one, other| one < other));

        let cron = oracle(&text);
        let zone = schedule.zone();
        let jitter = schedule.jitter(tenant());
        let mut previous = after - jitter;
        for due in due {
            let moment = due - jitter;
            let local = zone.local(moment);
            // What clocks showed a minute before is more than a minute earlier after a gap.
            let before = zone.local(moment - TimeDelta::minutes(1));
            let mut skipped = before + TimeDelta::minutes(1);
            let mut in_gap = false;
            while skipped < local {
                in_gap |= fires(&cron, skipped);
                skipped += TimeDelta::minutes(1);
            }
            prop_assert!(fires(&cron, local) || in_gap, "{} {local}", text);
            // None is left out: what fires between shows on clocks for the second time.
            let minutes = (moment - previous).num_minutes().min(2_000);
            for minutes in 1..minutes {
                let between = moment - TimeDelta::minutes(minutes);
                let shown = zone.local(between);
                prop_assert!(
                    !fires(&cron, shown) || zone.first_moment(shown) != Some(between),
                    "{} leaves out {shown}",
                    text
                );
            }
            previous = moment;
        }
    }

    #[test]
    fn a_schedule_resolves_to_itself(text in expression(), zone in zone()) {
        if let Ok(schedule) = request(&text, zone).resolve() {
            prop_assert_eq!(ScheduleRequest::from(&schedule).resolve(), Ok(schedule));
        }
    }
}
