//! What every request handler stands on.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use atlas_domain::access::Role;
use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::{TenantId, UserId};
use atlas_queue::Doorbell;
use atlas_store::Store;
use atlas_webhooks::PermittedNetworks;

use crate::directory_search::DirectorySearch;
use crate::extract::recent::Recent;
use crate::extract::token_cache::TokenCache;
use crate::links::Links;
use crate::options::ApiOptions;
use crate::problem::Problem;
use crate::proxies::TrustedProxies;
use crate::rate::RateLimits;
use crate::readiness::Readiness;
use crate::refused_requests::RefusedRequests;
use crate::stream::hub::Hub;
use crate::under_way::{EXPORTS, UnderWay};

/// One per process, shared by all its threads.
pub(crate) struct AppState {
    /// The database.
    pub(crate) store: Store,
    /// Redis.
    pub(crate) doorbell: Doorbell,
    /// Directories, as callers see them.
    pub(crate) directory_search: DirectorySearch,
    /// Tokens that were looked up a moment ago.
    pub(crate) tokens: TokenCache,
    /// Places in tenants that starts looked up a moment ago.
    pub(crate) memberships: Recent<(UserId, TenantId), Role>,
    /// Quotas.
    pub(crate) rates: RateLimits,
    /// Proxies whose word for the caller's address is taken.
    pub(crate) proxies: TrustedProxies,
    /// Refused requests, to be logged in sums.
    pub(crate) refused: RefusedRequests,
    /// Whether the API is of use, as of a moment ago.
    pub(crate) readiness: Readiness,
    /// Addresses for answers.
    pub(crate) links: Links,
    /// Networks that are not public and that webhooks may be sent to.
    pub(crate) webhook_networks: PermittedNetworks,
    /// Exports under way.
    pub(crate) exports: UnderWay,
    /// Streams that are open.
    pub(crate) streams: UnderWay,
    /// Who follows what.
    pub(crate) hub: Arc<Hub>,
    /// How often an export checks that its caller has access.
    pub(crate) export_check_interval: Duration,
    /// How long the body of a request may take to arrive.
    pub(crate) body_timeout: Duration,
    /// How long a request may take.
    pub(crate) request_timeout: Duration,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl AppState {
    /// The state that the request's handler stands on.
    pub(crate) fn of(request: &HttpRequest) -> Result<&Self, Problem> {
        let state = request.app_data::<web::Data<Self>>();
        state.map(|state| &***state).ok_or_else(Problem::internal)
    }

    /// `public_url` is where callers reach the API.
    pub(crate) fn new(
        options: &ApiOptions,
        public_url: &str,
        store: Store,
        doorbell: Doorbell,
        directory_search: DirectorySearch,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            readiness: Readiness::new(store.clone(), doorbell.clone()),
            store,
            doorbell,
            directory_search,
            tokens: TokenCache::new(options.token_cache),
            memberships: Recent::new(options.token_cache),
            rates: RateLimits::new(options.requests_per_minute, &*entropy),
            proxies: options.trusted_proxies.clone(),
            refused: RefusedRequests::default(),
            links: Links::new(public_url, &options.run_view_template),
            exports: UnderWay::new(EXPORTS, usize::MAX),
            streams: UnderWay::new(options.streams_per_user.into(), options.streams.into()),
            hub: Arc::default(),
            webhook_networks: options.webhook_networks.clone(),
            export_check_interval: options.export_check_interval,
            body_timeout: options.body_timeout,
            request_timeout: options.request_timeout,
            clock,
            entropy,
        }
    }
}
