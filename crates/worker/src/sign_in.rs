//! Signing in to a tenant with what is stored for it.

mod directory;

use std::path::PathBuf;
use std::sync::Arc;

use atlas_domain::causes::Causes;
use atlas_domain::clock::Clock;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::TenantId;
use atlas_domain::tenant::{CredentialFile, ENDING_WITHIN, StoredProof};
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring, VaultError};
use atlas_graph::{Application, ClientCertificate, Credential, GraphClient, TenantGraph};
use atlas_store::{Coalescer, Store, StoredCredential};
use chrono::TimeDelta;

use crate::interrupt::{Interrupt, interrupt, with_retries};
use directory::{CredentialsDirectory, FileRefusal};

/// How long before its end a certificate is warned of, at each sign-in with it.
const WARN_BEFORE_END: TimeDelta = TimeDelta::days(14);

/// Tenants whose credentials one statement reads at most.
const READ_AT_ONCE: usize = 64;

/// Signs in to tenants. Shared by all runs of a process.
pub struct SignIn {
    store: Store,
    /// Runs that sign in in the same moment read their credentials with one statement.
    credentials: Coalescer<TenantId, Option<TenantCredential>>,
    graph: GraphClient,
    keys: Keyring,
    clock: Arc<dyn Clock>,
    directory: CredentialsDirectory,
}

/// The credentials of a tenant, when it has any.
type TenantCredential = Option<StoredCredential>;

impl SignIn {
    /// Signs in with secrets that these keys open, and with files in `credentials_dir`.
    #[must_use]
    pub fn new(
        store: Store,
        graph: GraphClient,
        keys: Keyring,
        clock: Arc<dyn Clock>,
        credentials_dir: Option<PathBuf>,
    ) -> Self {
        let reads = store.clone();
        let credentials = Coalescer::new(READ_AT_ONCE, 1, move |tenants| {
            read_credentials(reads.clone(), tenants)
        });
        Self {
            store,
            credentials,
            graph,
            keys,
            clock,
            directory: CredentialsDirectory::new(credentials_dir),
        }
    }

    /// The tenant's Graph, with a token at hand, for whoever only looks whether that works.
    ///
    /// # Errors
    /// Why there is no token, as a run would report it.
    pub async fn try_out(&self, tenant_id: TenantId) -> Result<TenantGraph, Failure> {
        self.to(tenant_id)
            .await
            .map_err(|interrupt| match interrupt {
                Interrupt::Failed(failure) | Interrupt::Later { failure, .. } => failure,
                // Nothing is written, and nobody stops this.
                _ => Failure::transient(FailureCode::INTERNAL, "The sign-in was interrupted."),
            })
    }

    /// The tenant's Graph, with a token at hand.
    pub(crate) async fn to(&self, tenant_id: TenantId) -> Result<TenantGraph, Interrupt> {
        let stored = match self.credentials.ask(tenant_id).await.flatten() {
            Some(found) => found,
            // The database is away, or what is stored is not readable.
            None => with_retries(|| self.store.credential(tenant_id)).await?,
        };
        let stored = stored.ok_or_else(missing)?;
        let credential = match &stored.proof {
            StoredProof::ClientSecret(sealed) => Credential::ClientSecret(
                self.keys
                    .open(sealed, tenant_id, CLIENT_SECRET_COLUMN)
                    .map_err(|error| sealed_for_others(&error))?,
            ),
            StoredProof::Certificate(name) => {
                Credential::Certificate(self.certificate(name).await?)
            }
            StoredProof::FederatedToken(name) => Credential::FederatedToken {
                file: self
                    .directory
                    .token(name)
                    .await
                    .map_err(|refusal| unusable(&refusal, name))?,
            },
        };
        let tenant = self.graph.tenant(Application {
            cloud: stored.cloud,
            directory_id: stored.directory_id,
            client_id: stored.client_id,
            credential,
        });
        tenant.sign_in().await.map_err(|error| interrupt(&error))?;
        Ok(tenant)
    }

    /// How the certificate in this file stands, as a word of
    /// [`CERTIFICATE_STATES`](atlas_telemetry::metrics::CERTIFICATE_STATES).
    pub(crate) async fn certificate_state(&self, name: &CredentialFile) -> &'static str {
        let Ok(text) = self.directory.private_key(name).await else {
            return "unreadable";
        };
        let Ok(certificate) = ClientCertificate::from_pem(&text) else {
            return "unreadable";
        };
        let left = certificate.not_after() - self.clock.now();
        if left <= TimeDelta::zero() {
            "ended"
        } else if left <= ENDING_WITHIN {
            "ending"
        } else {
            "good"
        }
    }

    async fn certificate(&self, name: &CredentialFile) -> Result<ClientCertificate, Interrupt> {
        let text = self
            .directory
            .private_key(name)
            .await
            .map_err(|refusal| unusable(&refusal, name))?;
        let certificate = ClientCertificate::from_pem(&text).map_err(|error| {
            tracing::error!(file = %name, error = %Causes(&error), "the tenant's certificate cannot be used");
            unreadable(
                format!("The certificate file {name} cannot be used: {error}."),
                error.hint(),
            )
        })?;
        let left = certificate.not_after() - self.clock.now();
        if left < WARN_BEFORE_END {
            tracing::warn!(file = %name, ends_at = %certificate.not_after(),
                "the tenant's certificate ends soon");
        }
        Ok(certificate)
    }
}

/// What is stored for each of the tenants; no answer for what is not readable, and none at all while
/// the database does not answer.
async fn read_credentials(store: Store, tenants: Vec<TenantId>) -> Vec<Option<TenantCredential>> {
    match store.credentials(&tenants).await {
        // Several runs of one tenant may ask at once.
        Ok(stored) => tenants
            .iter()
            .map(|tenant| match stored.get(tenant) {
                Some(Ok(credential)) => Some(Some(credential.clone())),
                Some(Err(_)) => None,
                None => Some(None),
            })
            .collect(),
        Err(error) => {
            tracing::debug!(error = %Causes(&error), tenants = tenants.len(), "credentials are read one by one");
            tenants.iter().map(|_| None).collect()
        }
    }
}

fn missing() -> Interrupt {
    let failure = Failure::permanent(
        FailureCode::CREDENTIALS_MISSING,
        "The tenant has no credentials for Microsoft Graph.",
    );
    Interrupt::Failed(failure.with_hint("Store them with: atlas tenant credentials set"))
}

fn sealed_for_others(error: &VaultError) -> Interrupt {
    tracing::error!(error = %Causes(&error), "the tenant's secret cannot be decrypted");
    unreadable(
        "The stored client secret cannot be decrypted with the keys of this worker.",
        "Give the workers the key that the secret was stored with, or store it again with: \
         atlas tenant credentials set",
    )
}

fn unreadable(detail: impl Into<String>, hint: impl Into<String>) -> Interrupt {
    let failure = Failure::permanent(FailureCode::CREDENTIALS_UNREADABLE, detail);
    Interrupt::Failed(failure.with_hint(hint))
}

/// Names the file and what is wrong with it. Operators chose its name; the path of its directory
/// appears only in the log.
fn unusable(refusal: &FileRefusal, name: &CredentialFile) -> Interrupt {
    tracing::error!(file = %name, %refusal, "the tenant's credentials cannot be read");
    unreadable(
        format!("The credentials file {name} cannot be used: {refusal}."),
        refusal.hint(),
    )
}
