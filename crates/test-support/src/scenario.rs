//! Tenants, users and tokens for a test.

use atlas_domain::access::api_token::ApiToken;
use atlas_domain::access::{Membership, Role, SyncPermit, can_sync_tenant};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{DirectoryId, RequestId, RunId, TenantId, UserId};
use atlas_domain::run::RunInputs;
use atlas_domain::selection::SelectionRequest;
use atlas_domain::tenant::{Cloud, StoredProof};
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::{Admission, NewCredential, NewTenant, Origin, StartRun, Store};
use secrecy::SecretString;
use uuid::Uuid;

/// The key that test tenants' secrets are sealed with, as `ATLAS_SECRET_KEYS` would hold it.
pub const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The application that the simulator knows by default.
pub const SIMULATOR_CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";
/// Its secret.
pub const SIMULATOR_SECRET: &str = "simulator-secret";

/// A tenant of a test.
#[derive(Debug, Clone, Copy)]
pub struct TestTenant {
    pub id: TenantId,
    /// Microsoft Entra's id.
    pub directory_id: DirectoryId,
}

/// A user of a test, with a token.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: UserId,
    pub token: String,
    pub email: String,
}

/// Adds to a database what a test needs.
#[derive(Debug, Clone)]
pub struct Scenario {
    store: Store,
}

impl Scenario {
    /// Adds through this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
        }
    }

    /// A tenant with the simulator's credentials.
    pub async fn tenant(&self, name: &str) -> TestTenant {
        self.tenant_with(name, Some(SIMULATOR_SECRET)).await
    }

    /// A tenant with this client secret, or with no credentials.
    pub async fn tenant_with(&self, name: &str, secret: Option<&str>) -> TestTenant {
        self.add(DirectoryId::from_uuid(Uuid::new_v4()), name, secret)
            .await
    }

    /// A tenant with the simulator's credentials in this directory, which decides what it holds.
    pub async fn tenant_of(&self, directory_id: DirectoryId, name: &str) -> TestTenant {
        self.add(directory_id, name, Some(SIMULATOR_SECRET)).await
    }

    async fn add(&self, directory_id: DirectoryId, name: &str, secret: Option<&str>) -> TestTenant {
        let id = TenantId::mint(&SystemClock, &SystemEntropy);
        let tenant = NewTenant {
            id,
            name: name.to_owned(),
            directory_id,
            cloud: Cloud::Global,
            credential: secret.map(|secret| credential(id, secret)),
        };
        self.store.add_tenant(tenant).await.unwrap();
        TestTenant { id, directory_id }
    }

    /// Gives a tenant that is there the simulator's credentials.
    pub async fn credentials(&self, tenant: TenantId) {
        let credential = credential(tenant, SIMULATOR_SECRET);
        self.store.set_credential(tenant, credential).await.unwrap();
    }

    /// A user with a token who belongs to no tenant.
    pub async fn stranger(&self) -> Member {
        let email = format!("{}@example.test", Uuid::new_v4().simple());
        let id = self.store.add_user(&email, "Test User").await.unwrap();
        let token = ApiToken::mint(&SystemEntropy);
        self.store
            .create_token(id, "test", &token.hash(), &token.last_four(), None)
            .await
            .unwrap();
        Member {
            id,
            token: token.reveal().to_owned(),
            email,
        }
    }

    /// A user with a token and a role in the tenant.
    pub async fn member(&self, tenant: TenantId, role: Role) -> Member {
        let member = self.stranger().await;
        self.store
            .set_member(tenant, member.id, role)
            .await
            .unwrap();
        member
    }

    /// The permit that a member's role gives.
    pub fn permit(tenant_id: TenantId, user_id: UserId) -> SyncPermit {
        can_sync_tenant(&Membership {
            tenant_id,
            user_id,
            role: Role::Operator,
        })
        .unwrap()
    }

    /// A start of an inventory sync with the selection that `json` asks for.
    #[must_use]
    pub fn start(json: &str) -> StartRun {
        let request: SelectionRequest = serde_json::from_str(json).unwrap();
        Self::start_of(RunInputs::InventorySync(request.resolve().unwrap()))
    }

    /// A start of a run of any kind.
    #[must_use]
    pub fn start_of(inputs: RunInputs) -> StartRun {
        StartRun {
            run_id: RunId::mint(&SystemClock, &SystemEntropy),
            inputs,
            request_id: RequestId::mint(&SystemClock, &SystemEntropy),
            origin: Origin::default(),
            retry_of: None,
            priority: 0,
            key: None,
        }
    }

    /// Records a run that was not active before.
    pub async fn queued_run(&self, tenant: TenantId, user: UserId, json: &str) -> RunId {
        self.queued(tenant, user, Self::start(json)).await
    }

    /// Records a run of any kind that was not active before.
    pub async fn queued(&self, tenant: TenantId, user: UserId, start: StartRun) -> RunId {
        let permit = Self::permit(tenant, user);
        match self.store.admit(permit, start).await.unwrap() {
            Admission::Created(run) => run.id,
            Admission::Joined(run) => panic!("run {} is active already", run.id),
            Admission::Repeated(used) => panic!("run {} was started before", used.run_id),
        }
    }
}

fn credential(tenant: TenantId, secret: &str) -> NewCredential {
    NewCredential {
        client_id: SIMULATOR_CLIENT_ID.to_owned(),
        proof: StoredProof::ClientSecret(Keyring::parse(KEYS).unwrap().seal(
            &SecretString::from(secret),
            tenant,
            CLIENT_SECRET_COLUMN,
            &SystemEntropy,
        )),
        expires_on: None,
    }
}
