//! An API in this process.

use std::net::TcpListener;
use std::sync::Arc;

use atlas_api::{ApiOptions, Parts, serve};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_queue::Doorbell;
use atlas_store::Store;
use tokio::sync::oneshot;

/// Serves until dropped.
pub(crate) struct Api {
    pub(crate) base: String,
    _stop: oneshot::Sender<()>,
}

/// What an API works with.
pub(crate) fn parts(store: Store, doorbell: Doorbell) -> Parts {
    Parts {
        store,
        doorbell,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

impl Api {
    pub(crate) fn start(parts: Parts, graph: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ApiOptions {
            threads: 1,
            requests_per_minute: 100_000.try_into().unwrap(),
            graph_url: graph.map(|url| url.parse().unwrap()),
            ..ApiOptions::default()
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let shutdown = async {
                let _ = stopped.await;
            };
            runtime
                .block_on(serve(listener, options, parts, shutdown))
                .unwrap();
        });
        Self { base, _stop: stop }
    }
}
