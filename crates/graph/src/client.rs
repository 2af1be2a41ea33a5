//! The shared client and one tenant's view of it.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use atlas_domain::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use atlas_domain::ids::DirectoryId;
use atlas_domain::tenant::Cloud;
use reqwest::header::HeaderValue;
use tokio::sync::SetOnce;
use url::Url;

use crate::error::{GraphError, GraphErrorKind, SignInError};
use crate::options::{GraphOptions, GraphSetupError};
use crate::request::http::Http;
use crate::request::pacer::{ApplicationPause, Pacer};
use crate::request::silence::Silence;
use crate::sign_in::application::Application;
use crate::sign_in::token::{Token, TokenSlot, TokenSource};
use crate::traffic::{Traffic, Uncounted};

/// How many idle tenants are remembered before the idle ones are dropped.
const REMEMBERED: usize = 4_096;

/// Connections, tokens and pauses for all tenants of a process. Cheap to clone; the clones share
/// everything.
#[derive(Clone)]
pub struct GraphClient {
    shared: Arc<Shared>,
}

struct Shared {
    http: Arc<Http>,
    tokens: Remembered<TokenKey, TokenSlot>,
    pacers: Remembered<PacerKey, Pacer>,
    applications: Remembered<ApplicationKey, ApplicationPause>,
}

/// Who a token belongs to. Another credential is another key, so that a wrong secret never profits
/// from a token that the right one got.
#[derive(PartialEq, Eq, Hash)]
struct TokenKey {
    login: String,
    cloud: &'static str,
    directory: DirectoryId,
    client_id: String,
    credential: [u8; 32],
}

/// Graph counts requests per application and tenant.
#[derive(PartialEq, Eq, Hash)]
struct PacerKey {
    application: ApplicationKey,
    directory: DirectoryId,
}

/// It also counts them per application over all tenants.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ApplicationKey {
    graph: String,
    client_id: String,
}

impl GraphClient {
    /// Builds the client with the machine's clock and random generator.
    ///
    /// # Errors
    /// [`GraphSetupError`].
    pub fn new(options: GraphOptions) -> Result<Self, GraphSetupError> {
        Self::with_sources(options, Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// Builds the client as [`Self::new`] does, with somebody who counts its requests.
    ///
    /// # Errors
    /// [`GraphSetupError`].
    pub fn counted(
        options: GraphOptions,
        traffic: Arc<dyn Traffic>,
    ) -> Result<Self, GraphSetupError> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        Self::build(options, clock, entropy, traffic)
    }

    /// Builds the client. The clock reads dates in `Retry-After`; the randomness spreads waits and
    /// names requests.
    ///
    /// # Errors
    /// [`GraphSetupError`].
    pub fn with_sources(
        options: GraphOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, GraphSetupError> {
        Self::build(options, clock, entropy, Arc::new(Uncounted))
    }

    fn build(
        options: GraphOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        traffic: Arc<dyn Traffic>,
    ) -> Result<Self, GraphSetupError> {
        options.check()?;
        HeaderValue::from_str(&options.user_agent).map_err(|_| GraphSetupError::UserAgent)?;
        Ok(Self {
            shared: Arc::new(Shared {
                http: Arc::new(Http::new(options, clock, entropy, traffic)?),
                tokens: Remembered::default(),
                pacers: Remembered::default(),
                applications: Remembered::default(),
            }),
        })
    }

    pub(crate) fn http(&self) -> &Http {
        &self.shared.http
    }

    /// Where this cloud's Graph is.
    pub(crate) fn graph_address(&self, cloud: Cloud) -> Url {
        let overridden = self.shared.http.options().graph_url.as_ref();
        address(overridden, cloud.graph_url())
    }

    /// One tenant's Graph. Tokens, pauses and limits are shared with every other view of the same
    /// tenant and application.
    #[must_use]
    pub fn tenant(&self, application: Application) -> TenantGraph {
        let options = self.shared.http.options();
        let cloud = application.cloud;
        let graph = self.graph_address(cloud);
        let login = address(options.login_url.as_ref(), cloud.login_url());
        let token_key = TokenKey {
            login: login.as_str().to_owned(),
            cloud: cloud.as_str(),
            directory: application.directory_id,
            client_id: application.client_id.clone(),
            credential: application.credential.fingerprint(),
        };
        let application_key = ApplicationKey {
            graph: graph.as_str().to_owned(),
            client_id: application.client_id.clone(),
        };
        let pacer_key = PacerKey {
            application: application_key.clone(),
            directory: application.directory_id,
        };
        let pacer = || {
            let pauses = &self.shared.applications;
            let pause = pauses.get(
                application_key,
                ApplicationPause::is_idle,
                ApplicationPause::default,
            );
            Pacer::new(options, pause)
        };
        TenantGraph {
            http: Arc::clone(&self.shared.http),
            token: self
                .shared
                .tokens
                .get(token_key, TokenSlot::is_idle, TokenSlot::default),
            pacer: self.shared.pacers.get(pacer_key, Pacer::is_idle, pacer),
            without_intune: Arc::default(),
            token_accepted: Arc::default(),
            token_renewed: Arc::default(),
            silence: Arc::default(),
            application: Arc::new(application),
            graph,
            login,
        }
    }
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient").finish_non_exhaustive()
    }
}

fn address(overridden: Option<&Url>, cloud: &'static str) -> Url {
    overridden.cloned().unwrap_or_else(|| {
        Url::parse(cloud).expect("the clouds' addresses are valid: a test parses them")
    })
}

/// One tenant's Microsoft Graph. Cheap to clone.
#[derive(Clone)]
pub struct TenantGraph {
    pub(crate) http: Arc<Http>,
    pub(crate) token: Arc<TokenSlot>,
    pub(crate) pacer: Arc<Pacer>,
    /// The refusal that said that the tenant has no Intune. It holds for this view and its clones,
    /// not for later ones: licences come and go.
    pub(crate) without_intune: Arc<OnceLock<GraphError>>,
    /// Whether any endpoint has accepted a token, as far as this view and its clones know.
    pub(crate) token_accepted: Arc<SetOnce<()>>,
    /// Whether this view or one of its clones had a refused token replaced. A token that was renewed
    /// in vain for another view may be good by now, or its successor is.
    pub(crate) token_renewed: Arc<AtomicBool>,
    pub(crate) silence: Arc<Silence>,
    pub(crate) application: Arc<Application>,
    pub(crate) graph: Url,
    pub(crate) login: Url,
}

impl TenantGraph {
    /// Makes sure that there is a token, so that wrong credentials are found before any list is
    /// asked for.
    ///
    /// # Errors
    /// [`GraphErrorKind::SignIn`].
    pub async fn sign_in(&self) -> Result<(), GraphError> {
        self.access_token().await?;
        Ok(())
    }

    /// A token that is good for now.
    pub(crate) async fn access_token(&self) -> Result<Arc<Token>, SignInError> {
        let source = TokenSource {
            http: &self.http,
            application: &self.application,
            login: &self.login,
        };
        self.token.token(&source).await
    }

    /// Whether any endpoint has accepted the application's token since this view was made.
    #[must_use]
    pub fn has_accepted_token(&self) -> bool {
        self.token_accepted.initialized()
    }

    /// Waits until [`Self::has_accepted_token`], which may never be.
    pub async fn token_accepted(&self) {
        self.token_accepted.wait().await;
    }

    /// The error that an endpoint refused the token, when all of what was to be read has been asked
    /// for: where no other endpoint accepted the token either, the fault is the token's. Any other
    /// error as it is.
    #[must_use]
    pub fn whose_fault(&self, error: &GraphError) -> GraphError {
        let mut error = error.clone();
        if error.kind == GraphErrorKind::EndpointRefused && !self.has_accepted_token() {
            error.kind = GraphErrorKind::Unauthenticated;
        }
        error
    }
}

impl fmt::Debug for TenantGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantGraph")
            .field("application", &self.application)
            .field("graph", &self.graph.as_str())
            .finish_non_exhaustive()
    }
}

/// Shared values by key. Idle ones are dropped when there are many, so that tenants which come and
/// go do not fill the memory.
struct Remembered<K, V> {
    values: Mutex<HashMap<K, Arc<V>>>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            values: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    fn get(&self, key: K, idle: impl Fn(&V) -> bool, make: impl FnOnce() -> V) -> Arc<V> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= REMEMBERED && !values.contains_key(&key) {
            values.retain(|_, value| Arc::strong_count(value) > 1 || !idle(value));
        }
        Arc::clone(values.entry(key).or_insert_with(|| Arc::new(make())))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::sign_in::credential::Credential;

    fn application(secret: &str) -> Application {
        Application {
            cloud: Cloud::Global,
            directory_id: DirectoryId::from_uuid(Uuid::from_u128(7)),
            client_id: "client".to_owned(),
            credential: Credential::ClientSecret(secret.into()),
        }
    }

    #[test]
    fn the_addresses_of_every_cloud_are_valid() {
        for cloud in Cloud::ALL {
            for text in [cloud.graph_url(), cloud.login_url()] {
                assert_eq!(address(None, text).scheme(), "https");
            }
        }
    }

    #[test]
    fn views_of_a_tenant_share_pauses_and_a_token_belongs_to_one_secret() {
        let client = GraphClient::new(GraphOptions::default()).unwrap();
        let (one, same) = (
            client.tenant(application("a")),
            client.tenant(application("a")),
        );
        let other = client.tenant(application("b"));
        assert!(Arc::ptr_eq(&one.token, &same.token));
        assert!(Arc::ptr_eq(&one.pacer, &other.pacer));
        assert!(!Arc::ptr_eq(&one.token, &other.token));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let client = GraphClient::new(GraphOptions::default()).unwrap();
        let graph = client.tenant(application("s3cr3t-value"));
        let shown = format!("{:?} {graph:?} {client:?}", application("s3cr3t-value"));
        assert!(!shown.contains("s3cr3t-value"), "{shown}");
        assert!(shown.contains("client_id: \"client\""), "{shown}");
    }

    #[test]
    fn idle_values_are_dropped_when_there_are_many() {
        let remembered: Remembered<usize, ()> = Remembered::default();
        let used = remembered.get(0, |()| true, || ());
        for key in 1..=REMEMBERED {
            remembered.get(key, |()| true, || ());
        }
        assert!(remembered.values.lock().unwrap().len() <= REMEMBERED);
        assert!(Arc::ptr_eq(&used, &remembered.get(0, |()| true, || ())));
    }
}
