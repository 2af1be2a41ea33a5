//! What processes ask that stream to many callers.

use std::collections::HashSet;

use atlas_domain::access::stream_ticket::StreamTicket;
use atlas_domain::clock::SystemEntropy;
use atlas_domain::ids::{TenantId, TokenId, UserId};
use atlas_domain::run::{Completion, InventoryProgress, Progress};
use atlas_store::{PRUNE_BATCH, Retention, StandingQuestion, TokenLookup};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

impl Stage {
    async fn token(&self, member: &Member) -> TokenId {
        self.store.tokens(Some(member.id)).await.unwrap()[0].id
    }
}

#[tokio::test]
async fn whose_access_has_ended_is_found_among_many_by_one_statement() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let member = async || stage.scenario.member(tenant, Role::Readonly).await;
    let (revoked, disabled, expired, left) = (
        member().await,
        member().await,
        member().await,
        member().await,
    );
    let question = async |member: &Member, tenant: Option<TenantId>| StandingQuestion {
        token: stage.token(member).await,
        tenant,
    };
    let good = [
        question(&stage.operator, None).await,
        question(&stage.operator, Some(tenant)).await,
        question(&left, None).await,
    ];
    let ended = [
        question(&stage.operator, Some(elsewhere)).await,
        question(&revoked, None).await,
        question(&disabled, Some(tenant)).await,
        question(&expired, None).await,
        question(&left, Some(tenant)).await,
    ];
    store.revoke_tokens(revoked.id).await.unwrap();
    store.disable_user(disabled.id).await.unwrap();
    store.remove_member(tenant, left.id).await.unwrap();
    let expiry = format!(
        "UPDATE api_tokens SET expires_at = clock_timestamp() WHERE user_id = '{}'",
        expired.id
    );
    stage.execute(&expiry).await;
    let asked: Vec<_> = good.iter().chain(&ended).copied().collect();
    assert_eq!(store.ended_access(&asked).await.unwrap(), ended);
    assert_eq!(store.ended_access(&good).await.unwrap(), []);

    let pairs = [
        (tenant, stage.operator.id),
        (tenant, left.id),
        (elsewhere, left.id),
    ];
    let members = store.members_among(&HashSet::from(pairs)).await.unwrap();
    assert_eq!(members, HashSet::from([(tenant, stage.operator.id)]));
}

#[tokio::test]
async fn progress_of_running_runs_is_read_for_their_tenants_and_their_initiators() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let other = stage.scenario.member(elsewhere, Role::Operator).await;
    let mine = stage.scenario.queued_run(tenant, user, "{}").await;
    let theirs = stage.scenario.queued_run(elsewhere, other.id, "{}").await;
    let mut claims = Vec::new();
    for _ in 0..2 {
        let claim = store.claim_next(&terms("w")).await.unwrap().unwrap();
        let progress: Progress = InventoryProgress {
            completed: 7,
            ..InventoryProgress::default()
        }
        .into();
        let beat = store.heartbeat(&claim.lease, DAY, Some(&progress));
        beat.await.unwrap();
        claims.push(claim);
    }
    let found = async |tenants: &[TenantId], users: &[UserId]| {
        let found = store.running_progress(tenants, users).await.unwrap();
        let runs = found.iter().map(|one| (one.run, one.initiator));
        runs.collect::<HashSet<_>>()
    };
    let of_mine = HashSet::from([(mine, Some(user))]);
    assert_eq!(found(&[tenant], &[]).await, of_mine);
    assert_eq!(found(&[], &[user]).await, of_mine);
    assert_eq!(found(&[tenant, elsewhere], &[user]).await.len(), 2);
    assert_eq!(found(&[], &[]).await, HashSet::new());
    let progress = store.running_progress(&[elsewhere], &[]).await.unwrap();
    let progress = InventoryProgress::from(progress[0].progress);
    assert_eq!(progress.completed, 7);
    // Who left the tenant is not the one that it is for.
    store.remove_member(elsewhere, other.id).await.unwrap();
    let of_theirs = HashSet::from([(theirs, None)]);
    assert_eq!(found(&[elsewhere], &[other.id]).await, of_theirs);
    for claim in claims {
        let completion = Completion::of_results(&[]);
        store.finish(claim, &completion, None).await.unwrap();
    }
    assert_eq!(found(&[tenant, elsewhere], &[]).await, HashSet::new());
}

#[tokio::test]
async fn a_ticket_is_used_once_and_deleted_when_nobody_has_used_it() {
    let stage = Stage::set().await;
    let (store, token) = (&stage.store, stage.token(&stage.operator).await);
    let issue = async |life| {
        let hash = StreamTicket::mint(&SystemEntropy).hash();
        let issued = store.issue_stream_ticket(token, &hash, life).await;
        issued.unwrap();
        hash
    };
    let (used, kept, late) = (
        issue(DAY).await,
        issue(DAY).await,
        issue(Duration::ZERO).await,
    );
    let TokenLookup::Active(principal) = store.use_stream_ticket(&used).await.unwrap() else {
        panic!("the ticket is good");
    };
    assert_eq!(
        (principal.user_id, principal.token_id),
        (stage.operator.id, token)
    );
    for gone in [used, late] {
        let lookup = store.use_stream_ticket(&gone).await.unwrap();
        assert_eq!(lookup, TokenLookup::Unknown);
    }
    issue(Duration::ZERO).await;
    let retention = Retention {
        runs: DAY,
        notifications: DAY,
        audit: DAY,
        changes: DAY,
        versions: DAY,
        deliveries: DAY,
        events: DAY,
    };
    store.prune(&retention, PRUNE_BATCH).await.unwrap();
    assert_eq!(stage.count("SELECT count(*) FROM stream_tickets").await, 1);
    store.revoke_tokens(stage.operator.id).await.unwrap();
    let lookup = store.use_stream_ticket(&kept).await.unwrap();
    assert_eq!(lookup, TokenLookup::Revoked);
}
