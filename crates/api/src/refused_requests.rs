//! Refusals of callers who are not known, and of those who ask too often, and answers to whoever is
//! not known, such as pages: a flood of them costs no line and no row each. The log gets a line each
//! second for each kind, with their number; the audit log gets an entry for failed sign-ins every ten
//! seconds for each kind and address.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::causes::Causes;
use atlas_store::{NewAuditEvent, Origin, Store};
use serde_json::json;

use crate::context::RequestContext;
use crate::problem::ProblemKind;

/// How often sums are logged.
const LOGGED_EVERY: Duration = Duration::from_secs(1);
/// After how many of these sign-ins are audited.
const AUDITED_EVERY: u32 = 10;
/// Addresses that a sum names; all others are counted together.
const ADDRESSES: usize = 8;

/// At the end, connections that the stopped part of the program opened are found closed: that often
/// what is left is recorded again.
const LAST_ATTEMPTS: u32 = 3;

/// Refusals of one kind.
#[derive(Debug, Default)]
struct Sum {
    status: u16,
    count: u64,
    /// The first addresses.
    addresses: Vec<OfAddress>,
    others: u64,
}

/// Refusals of one kind and address.
#[derive(Debug)]
struct OfAddress {
    address: Option<IpAddr>,
    count: u64,
    /// The program that was named first.
    user_agent: Option<String>,
}

/// By the code of the problem, or by the template of the route.
type Sums = Mutex<HashMap<String, Sum>>;

/// Refusals since they were last reported.
#[derive(Debug, Default)]
pub(crate) struct RefusedRequests {
    to_log: Sums,
    answered: Sums,
    to_audit: Sums,
}

impl RefusedRequests {
    /// Counts a refusal.
    pub(crate) fn count(&self, kind: ProblemKind, context: &RequestContext) {
        let (code, status) = (kind.code(), kind.status());
        add(&self.to_log, code.clone(), status, context);
        if status == StatusCode::UNAUTHORIZED {
            add(&self.to_audit, code, status, context);
        }
    }

    /// Counts an answer to a caller who is not known.
    pub(crate) fn count_answer(&self, route: &str, status: StatusCode, context: &RequestContext) {
        add(&self.answered, route.to_owned(), status, context);
    }

    /// Writes a line for each kind that there was since the last call.
    fn log(&self) {
        for (code, sum) in take(&self.to_log) {
            let Sum { status, count, .. } = sum;
            let addresses = sum.shown();
            tracing::info!(status, code, count, addresses, "refused");
        }
        for (route, sum) in take(&self.answered) {
            let addresses = sum.shown();
            tracing::info!(
                route,
                count = sum.count,
                addresses,
                "answered without a token"
            );
        }
    }

    /// Reports refusals for as long as the API serves.
    pub(crate) async fn report(&self, store: &Store) -> Infallible {
        loop {
            for _ in 0..AUDITED_EVERY {
                tokio::time::sleep(LOGGED_EVERY).await;
                self.log();
            }
            self.audit_in(store).await;
        }
    }

    /// Reports what is left at the end.
    pub(crate) async fn report_rest(&self, store: &Store) {
        self.log();
        for _ in 0..LAST_ATTEMPTS {
            if self.audit_in(store).await {
                return;
            }
        }
    }

    async fn audit_in(&self, store: &Store) -> bool {
        let record = async |entry| match store.record_audit(entry).await {
            Ok(()) => true,
            Err(error) => {
                let error = Causes(&error);
                tracing::warn!(%error, "failed sign-ins are not in the audit log yet");
                false
            }
        };
        self.audit(record).await
    }

    /// Gives an entry for each code and address of sign-ins that failed to `record`, which returns
    /// whether it is written. After one that is not, the rest waits for the next call. Returns whether
    /// all are written.
    async fn audit(&self, record: impl AsyncFn(NewAuditEvent) -> bool) -> bool {
        let mut all = true;
        for (code, sum) in take(&self.to_audit) {
            let mut rest = Sum {
                status: sum.status,
                ..Sum::default()
            };
            for of_address in sum.addresses {
                let origin = Origin {
                    address: of_address.address.map(|address| address.to_string()),
                    user_agent: of_address.user_agent.clone(),
                    request_name: None,
                };
                all = all && record(failed_sign_in(&code, of_address.count, origin)).await;
                if !all {
                    rest.add(of_address);
                }
            }
            let others = failed_sign_in(&code, sum.others, Origin::default());
            all = all && (sum.others == 0 || record(others).await);
            if !all {
                rest.count += sum.others;
                rest.others += sum.others;
            }
            if rest.count > 0 {
                lock(&self.to_audit).entry(code).or_default().merge(rest);
            }
        }
        all
    }
}

impl Sum {
    fn add(&mut self, more: OfAddress) {
        self.count += more.count;
        let mut named = self.addresses.iter_mut();
        if let Some(known) = named.find(|known| known.address == more.address) {
            known.count += more.count;
        } else if self.addresses.len() < ADDRESSES {
            self.addresses.push(more);
        } else {
            self.others += more.count;
        }
    }

    fn merge(&mut self, other: Self) {
        self.status = other.status;
        self.count += other.others;
        self.others += other.others;
        for of_address in other.addresses {
            self.add(of_address);
        }
    }

    /// As in `192.0.2.1 (3), 192.0.2.2 (1), others (12)`.
    fn shown(&self) -> String {
        let addresses = self.addresses.iter().map(|one| {
            let address = one.address;
            let address = address.map_or_else(|| "unknown".to_owned(), |one| one.to_string());
            format!("{address} ({})", one.count)
        });
        let others = (self.others > 0).then(|| format!("others ({})", self.others));
        addresses.chain(others).collect::<Vec<_>>().join(", ")
    }
}

fn add(sums: &Sums, key: String, status: StatusCode, context: &RequestContext) {
    let mut sums = lock(sums);
    let sum = sums.entry(key).or_default();
    sum.status = status.as_u16();
    sum.add(OfAddress {
        address: context.address,
        count: 1,
        user_agent: context.origin.user_agent.clone(),
    });
}

fn take(sums: &Sums) -> HashMap<String, Sum> {
    std::mem::take(&mut *lock(sums))
}

fn lock(sums: &Sums) -> MutexGuard<'_, HashMap<String, Sum>> {
    sums.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed_sign_in(code: &str, count: u64, origin: Origin) -> NewAuditEvent {
    NewAuditEvent {
        tenant: None,
        actor_kind: ActorKind::User,
        actor: None,
        action: AuditAction::SignInRefused,
        target_kind: "api",
        target_id: code.to_owned(),
        outcome: AuditOutcome::Denied,
        request_id: None,
        origin,
        detail: Some(json!({ "count": count })),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderMap;
    use atlas_domain::clock::{SystemClock, SystemEntropy};

    use super::*;

    fn from(last: u8) -> RequestContext {
        let address = Some(IpAddr::from([192, 0, 2, last]));
        RequestContext::read(&HeaderMap::new(), address, &SystemClock, &SystemEntropy)
    }

    #[test]
    fn a_sum_names_some_addresses_and_counts_all() {
        let refused = RefusedRequests::default();
        for last in 0..=20 {
            refused.count(ProblemKind::Unauthenticated, &from(last));
        }
        refused.count(ProblemKind::Unauthenticated, &from(0));
        let sums = take(&refused.to_log);
        let sum = &sums["unauthenticated"];
        assert_eq!((sum.status, sum.count), (401, 22));
        let shown = sum.shown();
        assert!(
            shown.starts_with("192.0.2.0 (2), 192.0.2.1 (1), "),
            "{shown}"
        );
        assert!(shown.ends_with(", others (13)"), "{shown}");
    }

    /// The number of each entry that would be written; whether it is says the parameter.
    async fn audited(refused: &RefusedRequests, is_written: bool) -> Vec<u64> {
        let counts = Mutex::default();
        let all = refused.audit(async |entry: NewAuditEvent| {
            let count = entry.detail.unwrap()["count"].as_u64().unwrap();
            let mut counts: MutexGuard<'_, Vec<u64>> = counts.lock().unwrap();
            counts.push(count);
            is_written
        });
        let all = all.await;
        let counts = counts.into_inner().unwrap();
        assert_eq!(all, is_written || counts.is_empty());
        counts
    }

    #[tokio::test]
    async fn sign_ins_that_could_not_be_recorded_are_recorded_later_with_the_newer_ones() {
        let refused = RefusedRequests::default();
        for last in 0..=20 {
            refused.count(ProblemKind::Unauthenticated, &from(last));
        }
        let first = [vec![1; ADDRESSES], vec![13]].concat();
        assert_eq!(
            audited(&refused, false).await,
            [1],
            "nothing is tried after a failure"
        );
        refused.count(ProblemKind::Unauthenticated, &from(0));
        refused.count(ProblemKind::Unauthenticated, &from(30));
        let mut both = first;
        both[0] = 2;
        both[ADDRESSES] = 14;
        assert_eq!(audited(&refused, true).await, both);
        assert!(audited(&refused, true).await.is_empty());
    }

    #[tokio::test]
    async fn only_failed_sign_ins_are_audited() {
        let refused = RefusedRequests::default();
        refused.count(ProblemKind::QuotaExceeded, &from(1));
        refused.count(ProblemKind::NotFound, &from(1));
        assert!(audited(&refused, true).await.is_empty());
        assert_eq!(take(&refused.to_log).len(), 2);
    }
}
