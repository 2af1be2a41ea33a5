//! Connections to servers as people have them: with TLS only, with certificates of their own
//! authority, with several hosts; and the cause that is reported when there is no connection.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod authority;
mod causes;
mod fitness;
mod modes;
mod server;
mod several_hosts;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_store::{ConnectFailure, ConnectFailureKind, Store, StoreError, StoreOptions};
use secrecy::SecretString;

/// A store over this URL.
pub(crate) fn store(url: &str) -> Store {
    let options = StoreOptions {
        database_url: SecretString::from(url),
        pool_size: 2,
        read_pool_size: 1,
        application_name: "test".to_owned(),
        acquire_timeout: Duration::from_secs(20),
    };
    Store::new(&options, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap()
}

/// What keeps a connection from being made, and the text of the log.
pub(crate) async fn failure(url: &str) -> (ConnectFailureKind, String) {
    let error = store(url).ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let cause = error.source().unwrap().downcast_ref::<ConnectFailure>();
    let kind = cause.unwrap_or_else(|| panic!("{error:?}")).kind();
    (kind, Causes(&error).to_string())
}
