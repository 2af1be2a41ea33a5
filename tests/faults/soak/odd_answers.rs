//! The end of a soak: Graph answers for half a minute as real tenants' services have been seen to,
//! in a random mix, while tenants change and are synced one sync after the other. Nothing may be
//! marked as gone that is there, then or in between; and once Graph answers well, one more sync
//! makes everything as it is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use atlas_graph_sim::{Effect, FaultRule, MutationScript, PathMatch, TenantMode};
use atlas_test_support::{Member, TestTenant};
use futures::future::join_all;
use serde_json::{Value, json};

use super::PATIENCE;
use super::dice::Dice;
use crate::installation::{Installation, Options};
use crate::servers::{PostgresServer, RedisServer};

/// How long Graph answers so.
const LENGTH: Duration = Duration::from_secs(30);
/// How long a tenant stays as it is.
const STANDING: Duration = Duration::from_secs(4);
const TENANTS: usize = 4;
/// How likely each effect is to strike a request, unless another one comes first.
const LIKELIHOOD: f64 = 0.02;
/// What the worker needs to be quick about it.
const QUICK: [(&str, &str); 3] = [
    ("ATLAS_GRAPH_MAX_WAIT", "3s"),
    ("ATLAS_GRAPH_FIRST_BACKOFF", "5ms"),
    ("ATLAS_GRAPH_CONDITIONAL_ACCESS_INTERVAL", "1ms"),
];

/// Objects that were marked as gone, at any time, although the tenant has them. A singleton may be
/// kept under its policy type.
const MARKED: &str = "
    SELECT i.policy_type || ' ' || i.external_id FROM inventory_items i
    WHERE i.tenant_id = $1::text::uuid AND (i.missing_since IS NOT NULL
            OR EXISTS (SELECT 1 FROM inventory_changes c WHERE c.item_id = i.id AND c.kind = 'gone'))
        AND EXISTS (SELECT 1 FROM jsonb_each($2::text::jsonb) t, jsonb_array_elements(t.value) o
            WHERE t.key = i.policy_type
                AND i.external_id IN (o ->> 'id', i.policy_type))
    ORDER BY 1";
/// What one side has and the other has not, once all is well.
const DIFFERENT: &str = "
    WITH there AS (SELECT t.key AS policy_type, o ->> 'id' AS id
        FROM jsonb_each($2::text::jsonb) t, jsonb_array_elements(t.value) o),
    stored AS (SELECT policy_type, external_id FROM inventory_items
        WHERE tenant_id = $1::text::uuid AND missing_since IS NULL)
    SELECT 'not stored: ' || t.policy_type || ' ' || t.id FROM there t
    WHERE NOT EXISTS (SELECT 1 FROM stored s WHERE s.policy_type = t.policy_type
        AND s.external_id IN (t.id, t.policy_type))
    UNION ALL SELECT 'stored, and not there: ' || s.policy_type || ' ' || s.external_id FROM stored s
    WHERE NOT EXISTS (SELECT 1 FROM there t WHERE s.policy_type = t.policy_type
        AND s.external_id IN (t.id, t.policy_type))
    ORDER BY 1";

/// Everything that real services have been seen to answer, but for lists that are cut at another size
/// than was asked for: nothing in them shows it.
fn effects(dice: &mut Dice) -> Vec<Effect> {
    let mut row = || usize::try_from(dice.below(4)).unwrap();
    vec![
        Effect::ErrorWithOk,
        Effect::InStreamError { rows: row() },
        Effect::RefusedByService,
        Effect::CutList { rows: None },
        Effect::Endless,
        Effect::EmptyNextLink,
        Effect::PageTokenExpired,
        Effect::LargeRows { bytes: 45_000 },
        Effect::OtherCase,
        Effect::ObjectWithoutId,
        Effect::NullRow { row: row() },
        Effect::RowWithoutId { row: row() },
        Effect::LoneSurrogate { row: row() },
        Effect::InvalidUtf8 { row: row() },
        Effect::HugeNumber { row: row() },
        Effect::DeepNesting {
            levels: 3_000,
            row: row(),
        },
        Effect::LongName {
            characters: 1_500,
            row: row(),
        },
        Effect::ByteOrderMark,
        Effect::Throttled {
            retry_after: atlas_graph_sim::RetryAfter::Absent,
        },
    ]
}

fn name(effect: &Value) -> String {
    effect["kind"].as_str().unwrap().to_owned()
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct OddAnswers {
    struck: BTreeMap<String, u64>,
    outcomes: BTreeMap<String, i64>,
    breaches: Vec<String>,
}

impl OddAnswers {
    pub(super) fn is_broken(&self) -> bool {
        !self.breaches.is_empty()
    }
}

impl fmt::Display for OddAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Graph answered oddly for {} s", LENGTH.as_secs())?;
        for (effect, count) in &self.struck {
            writeln!(f, "{count:>7}  {effect}")?;
        }
        for (outcome, count) in &self.outcomes {
            writeln!(f, "{count:>7}  runs {outcome}")?;
        }
        for breach in &self.breaches {
            writeln!(f, "BROKEN: {breach}")?;
        }
        Ok(())
    }
}

/// Half a minute of odd answers, and what came of it.
pub(super) async fn half_a_minute(
    mut dice: Dice,
    postgres: &PostgresServer,
    redis: &RedisServer,
) -> OddAnswers {
    let installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        redis_url: Some(redis.url()),
        ..Options::default()
    })
    .await;
    let workers = [installation.worker(&QUICK), installation.worker(&QUICK)];
    let tenants = installation.tenants(TENANTS).await;
    let odd = format!("modes/{}", tenants[0].0.directory_id);
    installation.set(&odd, &json!([TenantMode::OddIds])).await;
    let mut found = OddAnswers::default();
    sync_all(&installation, &tenants).await;
    hold_against_key(&installation, &tenants, "before", &mut found).await;

    let mut rules = effects(&mut dice);
    dice.shuffle(&mut rules);
    for effect in rules {
        for version in ["/beta", "/v1.0"] {
            let rule = FaultRule::always(PathMatch::prefix(version), effect.clone());
            let rule = rule.probably(LIKELIHOOD, dice.below(u64::MAX));
            installation.simulate_fault(&json!(rule)).await;
        }
    }
    let lifetimes = FaultRule::always(PathMatch::token_endpoint(), Effect::LifetimeAsText);
    installation.simulate_fault(&json!(lifetimes)).await;
    let end = Instant::now() + LENGTH;
    let each = tenants.iter().map(|tenant| {
        let (installation, mut dice) = (&installation, dice.fork());
        async move {
            let mut changes = Instant::now();
            while Instant::now() < end {
                if changes <= Instant::now() {
                    change(installation, tenant.0, &mut dice).await;
                    changes = Instant::now() + STANDING;
                }
                sync_all(installation, std::slice::from_ref(tenant)).await;
            }
        }
    });
    join_all(each).await;

    found.outcomes = installation.outcomes().await;
    for active in installation.simulator("faults").await["faults"]
        .as_array()
        .unwrap()
    {
        let count = active["struck"].as_u64().unwrap();
        *found
            .struck
            .entry(name(&active["rule"]["effect"]))
            .or_default() += count;
    }
    for (effect, count) in &found.struck {
        if *count == 0 && effect != "lifetime_as_text" {
            found.breaches.push(format!("{effect} never struck"));
        }
    }
    for (tenant, _) in &tenants {
        found.breaches.extend(marked(&installation, *tenant).await);
    }
    installation.clear("faults").await;
    sync_all(&installation, &tenants).await;
    hold_against_key(&installation, &tenants, "afterwards", &mut found).await;
    for mut worker in workers {
        if worker.child.try_wait().unwrap().is_some() {
            found.breaches.push("a worker ended by itself".to_owned());
        }
    }
    found
}

/// Syncs all types of all tenants, until all runs have ended.
async fn sync_all(installation: &Installation, tenants: &[(TestTenant, Member)]) {
    for (tenant, member) in tenants {
        installation.start_full_sync(*tenant, member).await;
    }
    for (tenant, _) in tenants {
        installation.tenant_ends_within(*tenant, PATIENCE).await;
    }
}

/// Some objects come, go and change. None comes back, so that what was ever marked as gone and is
/// there was marked wrongly.
async fn change(installation: &Installation, tenant: TestTenant, dice: &mut Dice) {
    let script = MutationScript {
        seed: dice.below(u64::MAX),
        add: 2,
        delete: 2,
        rename: 2,
        edit: 2,
        edit_nested: 2,
        reassign: 2,
        ..MutationScript::default()
    };
    let path = format!("mutate/{}", tenant.directory_id);
    installation.post(&path, &json!(script)).await;
}

/// Asked by SQL, against the answer key.
async fn ask(installation: &Installation, tenant: TestTenant, sql: &str) -> Vec<String> {
    let path = format!("answer-key/{}", tenant.directory_id);
    let key = installation.simulator(&path).await.to_string();
    let connection = installation.database.connection().await;
    let rows = connection
        .query(sql, &[&tenant.id.to_string(), &key])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn marked(installation: &Installation, tenant: TestTenant) -> Vec<String> {
    let marked = ask(installation, tenant, MARKED).await.into_iter();
    marked
        .map(|what| format!("marked as gone, and there: {what}"))
        .collect()
}

/// After a sync without faults: it succeeded, and what is stored is what is there.
async fn hold_against_key(
    installation: &Installation,
    tenants: &[(TestTenant, Member)],
    when: &str,
    found: &mut OddAnswers,
) {
    for (tenant, _) in tenants {
        found.breaches.extend(marked(installation, *tenant).await);
        let different = ask(installation, *tenant, DIFFERENT).await.into_iter();
        found
            .breaches
            .extend(different.map(|what| format!("{when}: {what}")));
        let last = installation.last_outcome(*tenant).await;
        if last != "succeeded" {
            found.breaches.push(format!("{when}: the last run {last}"));
        }
    }
}

#[test]
fn every_effect_of_the_mix_has_another_seed_and_is_named_in_the_count() {
    let names = |seed| -> Vec<String> {
        let effects = effects(&mut Dice::new(seed)).into_iter();
        effects.map(|effect| name(&json!(effect))).collect()
    };
    assert_eq!(names(1), names(1));
    assert_eq!(names(1).len(), 19);
    let rows = |seed| json!(effects(&mut Dice::new(seed)));
    assert_ne!(rows(1), rows(2));
}

#[test]
fn one_breach_breaks_the_end_of_a_soak() {
    let mut found = OddAnswers::default();
    assert!(!found.is_broken());
    found.breaches.push("x".to_owned());
    assert!(found.is_broken());
    assert!(found.to_string().contains("BROKEN: x"));
}
