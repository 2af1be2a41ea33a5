//! Starts remember the caller's place in the tenant as long as the token, and answer as if they did not.

use std::time::Duration;

use atlas_domain::access::Role;
use serde_json::json;

use crate::harness::{ONE_TYPE, Stage};

const HIGH: &str = r#"{"policy_types":["mobileApp"],"priority":"high"}"#;
const DENIED: &str = "SELECT count(*) FROM audit_events \
    WHERE action = 'operation_run.start_denied' AND detail = $1";

impl Stage {
    /// The operator's place in the tenant is remembered for longer than the test takes.
    async fn remembering() -> Self {
        let stage = Self::set_with(|options| options.token_cache = Duration::from_secs(600)).await;
        assert_eq!(stage.start("").await.status, 202);
        stage
    }

    async fn is_now(&self, role: Role) {
        let (tenant, user) = (self.tenant.id, self.operator.id);
        self.store.set_member(tenant, user, role).await.unwrap();
    }

    /// Refusals of starts that the audit log has, with this role.
    async fn denied(&self, role: Role) -> i64 {
        let connection = self.database.connection().await;
        let detail = json!({"role": role.as_str()});
        let row = connection.query_one(DENIED, &[&detail]).await.unwrap();
        row.get(0)
    }
}

#[tokio::test]
async fn who_left_the_tenant_is_answered_as_a_stranger() {
    let stage = Stage::remembering().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let started = stage.start("").await;
    assert_eq!(started.body["disposition"], "joined");
    stage.store.remove_member(tenant, user).await.unwrap();
    stage.start("").await.is_problem(404, "not_found");

    // Once more for each way to be refused before the run is recorded.
    for body in ["{", r#"{"policy_types":["nonsense"]}"#, HIGH] {
        stage.is_now(Role::Operator).await;
        assert_eq!(stage.start("").await.status, 202);
        stage.store.remove_member(tenant, user).await.unwrap();
        stage.start(body).await.is_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_lower_role_is_refused_at_once_and_the_refusal_is_recorded() {
    let stage = Stage::remembering().await;
    stage.is_now(Role::Readonly).await;
    stage.start("").await.is_problem(403, "forbidden");
    assert_eq!(stage.denied(Role::Readonly).await, 1);
    stage.start(ONE_TYPE).await.is_problem(403, "forbidden");
    assert_eq!(stage.denied(Role::Readonly).await, 2);
}

#[tokio::test]
async fn a_higher_role_permits_at_once() {
    let stage = Stage::remembering().await;
    stage.is_now(Role::Readonly).await;
    stage.start("").await.is_problem(403, "forbidden");
    stage.is_now(Role::Operator).await;
    assert_eq!(stage.start("").await.status, 202);
    stage.start(HIGH).await.is_problem(403, "forbidden");
    stage.is_now(Role::Owner).await;
    assert_eq!(stage.start(HIGH).await.status, 202);
}

#[tokio::test]
async fn a_lower_role_does_not_set_priorities_any_more() {
    let stage = Stage::remembering().await;
    stage.is_now(Role::Manager).await;
    assert_eq!(stage.start(HIGH).await.status, 202);
    stage.is_now(Role::Operator).await;
    stage.start(HIGH).await.is_problem(403, "forbidden");
    assert_eq!(stage.denied(Role::Operator).await, 1);
    assert_eq!(stage.start(ONE_TYPE).await.status, 202);
}
