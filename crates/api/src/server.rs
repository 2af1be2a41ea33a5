//! The app, and serving it until asked to stop.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer, web};
use atlas_domain::clock::{Clock, Entropy};
use atlas_queue::Doorbell;
use atlas_store::Store;
use utoipa_actix_web::AppExt as _;

use crate::cross_origin::cors;
use crate::directory_search::DirectorySearch;
use crate::envelope::envelope;
use crate::fallback::RouteTable;
use crate::openapi::Description;
use crate::options::ApiOptions;
use crate::state::AppState;
use crate::stream::{Reader, check_access, hear};
use crate::{fallback, pages, probes, routes};

/// How long requests that are under way may take once the API is asked to stop, in seconds.
const DRAIN_SECONDS: u64 = 20;
/// How long a caller may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long a connection without requests is kept. Longer than callers are asked to wait between
/// polls, and than the load balancers before the API keep theirs: those close at 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What the API is made of besides its options.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Redis.
    pub doorbell: Doorbell,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Serves the API on the listener until `shutdown` is done; then says for a while that it is not
/// ready, as the options say, answers what is under way and returns.
///
/// # Errors
/// The listener, or the address of Microsoft Graph, cannot be used.
pub async fn serve(
    listener: TcpListener,
    options: ApiOptions,
    parts: Parts,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let public_url = options
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let directory_search = DirectorySearch::new(options.graph_url.clone(), options.graph_timeout)?;
    let state = web::Data::new(AppState::new(
        &options,
        &public_url,
        parts.store,
        parts.doorbell,
        directory_search,
        parts.clock,
        parts.entropy,
    ));
    let description = web::Data::new(Description::of_this_version());
    let table = web::Data::new(RouteTable::new(description.document()));
    let threads = options.threads;
    let shutdown_delay = options.shutdown_delay;
    let stream_check_interval = options.stream_check_interval;
    let progress_interval = options.progress_interval;
    let (reported, stopped, streamed) = (state.clone(), state.clone(), state.clone());
    let server = HttpServer::new(move || {
        App::new()
            .into_utoipa_app()
            .app_data(state.clone())
            .app_data(description.clone())
            .app_data(table.clone())
            .configure(routes::register)
            .into_app()
            .configure(pages::register)
            .configure(probes::register)
            .default_service(web::to(fallback::answer))
            .wrap(Condition::new(
                !options.cors_origins.is_empty(),
                cors(&options.cors_origins),
            ))
            .wrap(from_fn(envelope))
    })
    .workers(threads)
    // Answers are small and written at once; nobody gains from waiting for more.
    .tcp_nodelay(true)
    // A caller who hangs up ends its request, and what the request reads is cancelled.
    .h1_allow_half_closed(false)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    tracing::info!(%address, "listening");
    let handle = server.handle();
    let stopping = async {
        shutdown.await;
        stopped.readiness.stop();
        if !shutdown_delay.is_zero() {
            tracing::info!(delay = ?shutdown_delay, "not ready any more, and serving");
            tokio::time::sleep(shutdown_delay).await;
        }
        tracing::info!("stopping: requests under way are answered, and streams end");
        stopped.hub.stop();
        handle.stop(true).await;
    };
    let serving = async { tokio::join!(server, stopping) };
    let (hub, store) = (&streamed.hub, &streamed.store);
    let links = streamed.links.clone();
    let reader = Reader::new(hub.clone(), store.clone(), links, progress_interval);
    let heard = hear(hub.clone(), streamed.doorbell.clone());
    let access = check_access(hub.clone(), store.clone(), stream_check_interval);
    let served = tokio::select! {
        (served, ()) = serving => served,
        never = reported.refused.report(&reported.store) => match never {},
        never = reader.run() => match never {},
        never = access => match never {},
        never = heard => match never {},
    };
    reported.refused.report_rest(&reported.store).await;
    served
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::run::LONGEST_WAIT;

    #[test]
    fn a_connection_outlives_the_longest_wait_between_polls() {
        assert!(KEEP_ALIVE > Duration::from_secs(LONGEST_WAIT.unsigned_abs()));
        assert!(KEEP_ALIVE > Duration::from_secs(60));
    }
}
