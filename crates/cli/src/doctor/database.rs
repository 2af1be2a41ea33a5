//! PostgreSQL: whether it is reached, fits, is current and lets the programs do their work.

use std::collections::BTreeMap;
use std::net::IpAddr;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{Clock as _, SystemClock};
use atlas_store::{Examination, Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};

use super::report::Report;

/// Leases and tokens bear a few seconds; more is a clock that nobody sets.
const LARGEST_SKEW: TimeDelta = TimeDelta::seconds(5);

/// The oldest version that is supported, as `server_version_num`.
const OLDEST: i32 = 150_000;

/// Examines the database. Returns whether the rest can be read from it.
pub(super) async fn examine(store: &Store, report: &mut Report) -> bool {
    connection(store, report).await
        && fitness(store, report).await
        // Whoever may read nothing cannot read what the schema is either.
        && rights(store, report).await
        && schema(store, report).await
}

/// Connection, TLS, version and clock.
async fn connection(store: &Store, report: &mut Report) -> bool {
    // The first statement also connects, which would count as a difference of clocks.
    if let Err(error) = store.ping().await {
        unreachable(report, "database", &error);
        return false;
    }
    let before = SystemClock.now();
    let found = match store.examination().await {
        Ok(found) => found,
        Err(error) => {
            unreachable(report, "database", &error);
            return false;
        }
    };
    let after = SystemClock.now();
    server(&found, report);
    encryption(&found, report);
    clock(found.now, before, after, report);
    true
}

fn server(found: &Examination, report: &mut Report) {
    let version = format!("{}.{}", found.version / 10_000, found.version % 10_000);
    let (database, role) = (&found.database, &found.role);
    let detail = format!("PostgreSQL {version}, database {database}, as {role}");
    if found.version < OLDEST {
        report.failed("database", "", detail, "Use PostgreSQL 15 or later.");
    } else {
        report.well("database", "", detail);
    }
}

fn encryption(found: &Examination, report: &mut Report) {
    const CHECK: &str = "database TLS";
    match found.client {
        _ if found.encrypted => report.well(CHECK, "", "encrypted"),
        None => report.well(CHECK, "", "not encrypted, on this machine"),
        Some(address) if stays_inside(address) => {
            report.well(CHECK, "", "not encrypted, within a private network");
        }
        Some(_) => report.failed(
            CHECK,
            "",
            "not encrypted: others on the way can read everything",
            "Set sslmode=verify-full in DATABASE_URL.",
        ),
    }
}

/// Compares the server's time, which was asked for between two of ours.
fn clock(theirs: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>, report: &mut Report) {
    const CHECK: &str = "clock";
    let taken = after - before;
    let skew = theirs - (before + taken / 2);
    let side = if skew < TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    let seconds = skew.abs().as_seconds_f64();
    let detail = format!("PostgreSQL's is {seconds:.1} s {side} this machine's");
    if skew.abs() > LARGEST_SKEW + taken {
        let advice = "Set both clocks (NTP): sign-ins, leases and retention go by them.";
        report.failed(CHECK, "", detail, advice);
    } else {
        report.well(CHECK, "", detail);
    }
}

/// Addresses of networks that nobody else's packets come from.
const fn stays_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Encoding, and whether it takes writes.
async fn fitness(store: &Store, report: &mut Report) -> bool {
    const CHECK: &str = "encoding and writes";
    match store.database_fault().await {
        Ok(None) => {
            report.well(CHECK, "", "UTF8, takes writes");
            true
        }
        Ok(Some(fault)) => {
            let text = fault.to_string();
            let (found, advice) = text.split_once(": ").unwrap_or((&text, ""));
            report.failed(CHECK, "", found, advice);
            false
        }
        Err(error) => {
            unreachable(report, CHECK, &error);
            false
        }
    }
}

async fn schema(store: &Store, report: &mut Report) -> bool {
    const CHECK: &str = "schema";
    match store.schema_state().await {
        Ok(state) if state.fits() => {
            report.well(CHECK, "", state.to_string());
            true
        }
        Ok(state) => {
            let text = state.to_string();
            let (found, advice) = text.split_once("; ").unwrap_or((&text, ""));
            report.failed(CHECK, "", found, advice);
            false
        }
        Err(error) => {
            unreachable(report, CHECK, &error);
            false
        }
    }
}

async fn rights(store: &Store, report: &mut Report) -> bool {
    const CHECK: &str = "rights";
    let missing = match store.missing_rights().await {
        Ok(missing) => missing,
        Err(error) => {
            unreachable(report, CHECK, &error);
            return false;
        }
    };
    if missing.is_empty() {
        report.well(CHECK, "", "to read and write every table");
        return true;
    }
    let mut by_table: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for right in &missing {
        let privileges = by_table.entry(&right.table).or_default();
        privileges.push(&right.privilege);
    }
    let tables = by_table
        .iter()
        .map(|(table, privileges)| format!("{table} ({})", privileges.join(", ")));
    let tables: Vec<String> = tables.collect();
    report.failed(
        CHECK,
        "",
        format!("missing on {}", tables.join(", ")),
        "As the tables' owner: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … TO \
         the role, and the same with ALTER DEFAULT PRIVILEGES for tables of later versions.",
    );
    // The other checks only read.
    missing.iter().all(|right| right.privilege != "SELECT")
}

fn unreachable(report: &mut Report, check: &'static str, error: &StoreError) {
    let advice = match error.unfit_pooler() {
        Some(kind) => kind.advice(),
        None => "Compare DATABASE_URL with the cause, and look whether the server runs.",
    };
    report.failed(check, "", Causes(error).to_string(), advice);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

    use super::*;

    #[test]
    fn addresses_of_private_networks_stay_inside() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.20.0.5",
            "192.168.1.1",
            "::1",
            "fd00::1",
        ] {
            assert!(stays_inside(address.parse().unwrap()), "{address}");
        }
        for address in ["20.1.2.3", "172.32.0.1", "2a01::1"] {
            assert!(!stays_inside(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_others_can_read_and_a_server_that_is_too_old_are_failures() {
        let found = Examination {
            database: "atlas".to_owned(),
            role: "atlas".to_owned(),
            version: 140_011,
            encrypted: false,
            client: Some("20.1.2.3".parse().unwrap()),
            now: DateTime::UNIX_EPOCH,
        };
        for judge in [server, encryption] {
            let mut report = Report::default();
            judge(&found, &mut report);
            assert!(!report.is_well());
            let well = Examination {
                version: 150_000,
                encrypted: true,
                ..found.clone()
            };
            let mut report = Report::default();
            judge(&well, &mut report);
            assert!(report.is_well());
        }
    }

    #[test]
    fn clocks_may_differ_by_seconds_and_by_the_time_that_asking_took() {
        let at = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000 + seconds);
        for (theirs, after, well) in [
            (0, 0, true),
            (4, 0, true),
            (-4, 0, true),
            (6, 0, false),
            (-6, 0, false),
            (9, 8, true),
        ] {
            let mut report = Report::default();
            clock(at(theirs), at(0), at(after), &mut report);
            assert_eq!(report.is_well(), well, "{theirs} {after}");
        }
    }
}
