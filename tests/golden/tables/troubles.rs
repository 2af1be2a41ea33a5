//! Syncs in trouble: what Graph refuses, sends wrongly or not at all, and what the database refuses.

use atlas_graph_sim::{Effect, FaultRule, PathMatch, RetryAfter};

use crate::installation::Installation;
use crate::recorded::hold;

const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const TWO_TYPES: &str =
    r#"{"policy_types": ["deviceCompliancePolicy", "mobileApp"], "include_foundations": false}"#;

/// One after the other, each in a sync of its own.
fn effects() -> Vec<Effect> {
    vec![
        Effect::Forbidden { permission: None },
        Effect::HtmlPage,
        Effect::NullRow { row: 0 },
        Effect::RowWithoutId { row: 0 },
        Effect::LoneSurrogate { row: 0 },
        Effect::InvalidUtf8 { row: 0 },
        Effect::HugeNumber { row: 0 },
        Effect::LongName {
            characters: 4_000,
            row: 0,
        },
        Effect::UnknownEnum,
        Effect::UnknownType,
        Effect::NullName,
        // The last one: it would be remembered.
        Effect::Throttled {
            retry_after: RetryAfter::Seconds(7_200),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_of_what_fails_leave_these_rows() {
    let installation = Installation::set_up().await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let worker = installation.worker();
    installation.sync(tenant, &member, TWO_TYPES).await;
    // Waited out.
    let throttled = Effect::Throttled {
        retry_after: RetryAfter::Decimal(0.01),
    };
    let rule = FaultRule::always(PathMatch::exact(APPS), throttled).times(Some(2));
    installation.simulator.fault(rule);
    installation.sync(tenant, &member, TWO_TYPES).await;
    installation.simulator.clear_faults();
    for effect in effects() {
        let rule = FaultRule::always(PathMatch::exact(APPS), effect);
        installation.simulator.fault(rule);
        installation.sync(tenant, &member, TWO_TYPES).await;
        installation.simulator.clear_faults();
    }
    worker.stop().await;
    hold("tables/faults.json", &installation.dump().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_database_refuses_are_left_out_and_named() {
    let installation = Installation::set_up().await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let directory = tenant.directory_id.to_string();
    let refused = &installation.simulator.answer_key(&directory)["mobileApp"][0].id;
    installation
        .execute(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END $$; \
             CREATE TRIGGER refuse_row BEFORE INSERT ON inventory_items FOR EACH ROW \
             WHEN (NEW.external_id = '{refused}') EXECUTE FUNCTION refuse()"
        ))
        .await;
    let worker = installation.worker();
    installation.sync(tenant, &member, TWO_TYPES).await;
    installation
        .execute("DROP TRIGGER refuse_row ON inventory_items")
        .await;
    installation.sync(tenant, &member, TWO_TYPES).await;
    worker.stop().await;
    hold("tables/refused_rows.json", &installation.dump().await);
}
