//! What becomes of runs whose tenant is in trouble.

use atlas_domain::ids::RunId;
use atlas_domain::run::OperationKind;
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, SignInRefusal};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::masks::Masks;

const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const TWO_TYPES: &str =
    r#"{"policy_types": ["mobileApp", "deviceCompliancePolicy"], "include_foundations": false}"#;
const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
/// Longer than a request may wait.
const LONG: RetryAfter = RetryAfter::Seconds(7_200);
const SIGN_IN: [SignInRefusal; 24] = [
    SignInRefusal::SecretInvalid,
    SignInRefusal::SecretExpired,
    SignInRefusal::ApplicationNotFound,
    SignInRefusal::ApplicationDisabled,
    SignInRefusal::TenantNotFound,
    SignInRefusal::ConsentMissing,
    SignInRefusal::NotSubscribed,
    SignInRefusal::BlockedByConditionalAccess,
    SignInRefusal::ParameterMissing,
    SignInRefusal::ScopeInvalid,
    SignInRefusal::GrantUnsupported,
    SignInRefusal::Busy,
    SignInRefusal::LoopDetected,
    SignInRefusal::AssertionInvalid,
    SignInRefusal::AssertionNotInTime,
    SignInRefusal::AssertionClaims,
    SignInRefusal::NothingFederated,
    SignInRefusal::IssuerUnknown,
    SignInRefusal::SubjectUnknown,
    SignInRefusal::AudienceUnknown,
    SignInRefusal::NationalCloud,
    SignInRefusal::CrossCloud,
    SignInRefusal::TenantIdentifierInvalid,
    SignInRefusal::TenantUnavailable,
];

/// What happens to the stored credentials while the run waits.
const CREDENTIALS: [(&str, &str); 4] = [
    (
        "there are none",
        "DELETE FROM tenant_credentials WHERE tenant_id = '$tenant'",
    ),
    (
        "they are of another key",
        "UPDATE tenant_credentials SET key_id = 'other' WHERE tenant_id = '$tenant'",
    ),
    (
        "they were damaged",
        "UPDATE tenant_credentials SET nonce = decode(repeat('00', 12), 'hex') \
         WHERE tenant_id = '$tenant'",
    ),
    (
        "they are in a file, and there is no directory for files",
        "UPDATE tenant_credentials SET kind = 'certificate', file = 'x.pem', key_id = NULL, \
         nonce = NULL, ciphertext = NULL WHERE tenant_id = '$tenant'",
    ),
];

/// Where something goes wrong, what, and for which selection.
type Fault = (PathMatch, Effect, &'static str);

fn faults() -> Vec<Fault> {
    let server_error = |status, retry_after| Effect::ServerError {
        status,
        body: ErrorBody::NestedJson,
        retry_after,
    };
    let answer = |status| Effect::Answer {
        status,
        body: "{}".to_owned(),
    };
    let of_lists = [
        Effect::Forbidden { permission: None },
        Effect::Unlicensed,
        Effect::NotApplicable,
        Effect::Unauthorized,
        Effect::RefusedByService,
        Effect::Throttled { retry_after: LONG },
        server_error(503, LONG),
        server_error(500, RetryAfter::Absent),
        Effect::HtmlPage,
        Effect::TruncatedJson,
        Effect::ErrorWithOk,
        Effect::RepeatedNextLink,
        Effect::ForeignNextLink {
            origin: "http://127.0.0.1:9".to_owned(),
        },
        Effect::CutList { rows: Some(1) },
        Effect::InStreamError { rows: 1 },
        Effect::NullRow { row: 0 },
        Effect::LongName {
            characters: 4_000,
            row: 0,
        },
        answer(404),
        answer(418),
    ];
    let of_lists = of_lists.map(|effect| (PathMatch::exact(APPS), effect, TWO_TYPES));
    // Of several types that fail, the one that is read first is named.
    let everywhere = [Effect::Unauthorized, Effect::NotApplicable];
    let everywhere = everywhere.map(|effect| (PathMatch::prefix("/beta"), effect, ONE_TYPE));
    of_lists.into_iter().chain(everywhere).collect()
}

fn refusals() -> Vec<Fault> {
    let refusals = SIGN_IN.into_iter().map(|refusal| {
        let effect = Effect::SignIn { refusal };
        (PathMatch::token_endpoint(), effect, TWO_TYPES)
    });
    refusals.collect()
}

/// What becomes of runs by what Graph does.
pub(super) async fn by_fault() -> Vec<Value> {
    in_trouble(faults()).await
}

/// What becomes of runs by why the sign-in service gives no token.
pub(super) async fn by_sign_in() -> Vec<Value> {
    in_trouble(refusals()).await
}

async fn in_trouble(faults: Vec<Fault>) -> Vec<Value> {
    let installation = Installation::set_up().await;
    let worker = installation.worker_with(&["--graph-max-wait=1s"]);
    let mut written = Vec::new();
    for (number, (path, effect, selection)) in (1..).zip(faults) {
        let (tenant, member) = installation.tenant(number, "Contoso").await;
        let fault = json!({"path": path, "effect": effect});
        let rule = FaultRule::always(path, effect);
        installation.simulator.fault(rule);
        let run = installation.sync(tenant, &member, selection).await;
        installation.simulator.clear_faults();
        let mut became = became(&installation, run).await;
        became["fault"] = fault;
        written.push(became);
    }
    worker.stop().await;
    written
}

/// What becomes of runs by what is wrong with the tenant's credentials.
pub(super) async fn by_credentials() -> Vec<Value> {
    let installation = Installation::set_up().await;
    let worker = installation.worker();
    let mut written = Vec::new();
    let (store, kind) = (&installation.store, OperationKind::InventorySync);
    for (number, (what, sql)) in (1..).zip(CREDENTIALS) {
        let (tenant, member) = installation.tenant(number, "Contoso").await;
        store.pause(kind, "sam", None).await.unwrap();
        let scenario = &installation.scenario;
        let run = scenario.queued_run(tenant.id, member.id, TWO_TYPES).await;
        let sql = sql.replace("$tenant", &tenant.id.to_string());
        installation.execute(&sql).await;
        store.resume(kind, "sam").await.unwrap();
        installation.rested(&member, run).await;
        let mut became = became(&installation, run).await;
        became["credentials"] = what.into();
        written.push(became);
    }
    worker.stop().await;
    written
}

/// What a run and its policy types have become. Runs that wait to be tried again go on waiting.
pub(super) async fn became(installation: &Installation, run: RunId) -> Value {
    let connection = installation.database.connection().await;
    let sql = "SELECT jsonb_build_object('status', r.status, 'outcome', r.outcome, \
            'error', r.error, 'attempt', r.attempt, 'failures', r.failures, \
            'wait_reason', r.wait_reason, \
            'events', (SELECT jsonb_agg(e.event ORDER BY e.seq) FROM operation_run_events e \
                WHERE e.run_id = r.id AND e.event <> 'phase_reached'), \
            'results', (SELECT jsonb_agg(jsonb_build_object('policy_type', t.policy_type, \
                    'status', t.status, 'error', t.error) ORDER BY t.policy_type) \
                FROM inventory_type_results t WHERE t.run_id = r.id))::text \
        FROM operation_runs r WHERE r.id = $1::text::uuid";
    let row = connection.query_one(sql, &[&run.to_string()]).await;
    let text: String = row.unwrap().get(0);
    let later = "UPDATE operation_runs SET not_before = clock_timestamp() + interval '1 h' \
        WHERE status = 'queued'";
    installation.execute(later).await;
    let mut masks = Masks::default();
    masks.replace(installation.simulator.base_url(), "<graph>");
    masks.mask(&serde_json::from_str(&text).unwrap())
}
