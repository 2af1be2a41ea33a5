//! Databases that no migration makes fit.

use atlas_domain::causes::Causes;
use atlas_store::DatabaseFault;
use secrecy::SecretString;

use crate::server::Server;
use crate::store;

const RULES: &str = "host all guest 127.0.0.1/32 scram-sha-256";

async fn migrated(url: &str) -> String {
    let error = atlas_store::migrate(&SecretString::from(url)).await;
    Causes(&error.unwrap_err()).to_string()
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_character_is_refused() {
    let server = Server::start(None, "", RULES).await;
    server
        .execute("CREATE DATABASE latin OWNER guest ENCODING 'LATIN1' TEMPLATE template0")
        .await;
    let url = server.url("").replace("/guests?", "/latin?");
    let expected = DatabaseFault::Encoding("LATIN1".to_owned());
    assert_eq!(migrated(&url).await, expected.to_string());
    assert_eq!(store(&url).database_fault().await.unwrap(), Some(expected));
    assert_eq!(store(&server.url("")).database_fault().await.unwrap(), None);
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_refused() {
    let server = Server::start(None, "", RULES).await;
    server
        .execute("ALTER DATABASE guests SET default_transaction_read_only = on")
        .await;
    let (url, expected) = (server.url(""), DatabaseFault::ReadOnly);
    assert_eq!(migrated(&url).await, expected.to_string());
    assert_eq!(store(&url).database_fault().await.unwrap(), Some(expected));
}
