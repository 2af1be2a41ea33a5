//! Connections to servers as people have them: with TLS only, with certificates of their own
//! authority, with several hosts, behind a pooler; and the cause that is reported when there is no connection.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod causes;
mod fitness;
mod modes;
mod pgbouncer;
mod poolers;
mod server;
mod several_hosts;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_store::{ConnectFailure, ConnectFailureKind, Pooling, Store, StoreError, StoreOptions};
use atlas_test_support::authority;
use secrecy::SecretString;

/// A store over this URL.
pub(crate) fn store(url: &str) -> Store {
    store_through(url, Pooling::Session)
}

/// A store over this URL, with this between it and the server.
pub(crate) fn store_through(url: &str, pooling: Pooling) -> Store {
    store_within(url, pooling, Duration::from_secs(20))
}

/// The same, whose callers wait so long for a connection.
pub(crate) fn store_within(url: &str, pooling: Pooling, acquire_timeout: Duration) -> Store {
    let options = StoreOptions {
        database_url: SecretString::from(url),
        pooling,
        pool_size: 2,
        read_pool_size: 1,
        application_name: "test".to_owned(),
        acquire_timeout,
    };
    Store::new(&options, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap()
}

/// What keeps a connection from being made, and the text of the log.
pub(crate) async fn failure(url: &str) -> (ConnectFailureKind, String) {
    failure_through(url, Pooling::Session).await
}

/// The same, with this between the store and the server.
pub(crate) async fn failure_through(url: &str, pooling: Pooling) -> (ConnectFailureKind, String) {
    let error = store_through(url, pooling).ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let cause = error.source().unwrap().downcast_ref::<ConnectFailure>();
    let kind = cause.unwrap_or_else(|| panic!("{error:?}")).kind();
    (kind, Causes(&error).to_string())
}
