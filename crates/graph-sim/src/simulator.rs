//! The simulator as a program holds it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use tokio::sync::oneshot;

use crate::control;
use crate::controls::Controls;
use crate::options::SimulatorOptions;
use crate::server;
use crate::shared::Shared;
use crate::sign_in::UserToken;

/// Stops the server with the last handle.
struct Running {
    controls: Controls,
    base_url: String,
    address: SocketAddr,
    server: ServerHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The order to stop goes out at once; nobody waits for the end.
        drop(self.server.stop(false));
    }
}

/// A running simulator. Clones are handles to the same one; it stops with the last of them.
#[derive(Clone)]
pub struct Simulator(Arc<Running>);

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Simulator").field(&self.0.base_url).finish()
    }
}

impl Simulator {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port can be had, or a certificate or key of the options is none.
    pub async fn start(options: SimulatorOptions) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .expect("the loopback interface has a free port");
        Self::start_on(listener, options)
            .await
            .expect("a bound listener can be served")
    }

    /// Starts one on a listener.
    ///
    /// # Errors
    /// When the listener cannot be used, or a certificate or key is none.
    pub async fn start_on(listener: TcpListener, options: SimulatorOptions) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let controls = Controls(Arc::new(Shared::new(options)?));
        let server = serve(listener, controls.clone()).await?;
        Ok(Self(Arc::new(Running {
            controls,
            base_url: format!("http://{address}"),
            address,
            server,
        })))
    }

    /// The root of Graph and of the login service, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// A token for a user of an application, as Microsoft Entra issues it.
    #[must_use]
    pub fn user_token(&self, directory_id: &str, wanted: &UserToken) -> String {
        let tenant = directory_id.to_ascii_lowercase();
        self.0
            .controls
            .0
            .sign_in
            .user_token(&self.0.base_url, &tenant, wanted)
    }
}

impl Deref for Simulator {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        &self.0.controls
    }
}

/// Serves from a thread of its own, so that a test's runtime neither slows nor ends it.
async fn serve(listener: TcpListener, controls: Controls) -> io::Result<ServerHandle> {
    let (started, starting) = oneshot::channel();
    std::thread::Builder::new()
        .name("graph-sim".to_owned())
        .spawn(move || {
            System::new().block_on(async move {
                let opened = controls.clone();
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(Data::from(Arc::clone(&controls.0)))
                        .app_data(Data::new(controls.clone()))
                        .configure(control::configure)
                        .default_service(web::to(server::serve))
                })
                .workers(2)
                .on_connect(move |_, _| {
                    opened.0.connections.fetch_add(1, Ordering::Relaxed);
                })
                // Who closes the connection has given up: the request ends with it.
                .h1_allow_half_closed(false)
                .disable_signals()
                .shutdown_timeout(1)
                .keep_alive(Duration::from_secs(75))
                .listen(listener);
                let server = match server {
                    Ok(server) => server.run(),
                    Err(error) => {
                        started.send(Err(error)).ok();
                        return;
                    }
                };
                if started.send(Ok(server.handle())).is_ok()
                    && let Err(error) = server.await
                {
                    tracing::error!(%error, "the simulator ended");
                }
            });
        })?;
    starting
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the simulator's thread ended")))
}
