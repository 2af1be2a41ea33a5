//! The modes of TLS.

use atlas_store::ConnectFailureKind::{
    ClientCertificate, Login, TlsRequired, TlsUnsupported, Untrusted, WrongName,
};
use secrecy::SecretString;

use crate::authority::{Authority, self_signed};
use crate::server::{Server, url_of};
use crate::{failure, store};

/// Nobody gets in without TLS.
const TLS_ONLY: &str = "hostssl all guest 127.0.0.1/32 scram-sha-256";
/// A name that leads nowhere: the address is given beside it.
const NAME: &str = "database.example";

/// The guest's URL, by the name for which the server has its certificate.
fn named(server: &Server, name: &str, parameters: &str) -> String {
    let host = format!("{name}:{}", server.port);
    let parameters = format!("hostaddr=127.0.0.1&{parameters}");
    url_of("guest", crate::server::GUEST_PASSWORD, &host, &parameters)
}

#[tokio::test]
async fn each_mode_encrypts_and_checks_what_it_says() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let identity = authority.server(NAME);
    let server = Server::start(Some(&identity), &authority.certificate(), TLS_ONLY).await;
    let ours = server.file("ours.pem", &authority.certificate());
    let theirs = server.file("theirs.pem", &stranger.certificate());
    for parameters in [
        // The default is to prefer it.
        "",
        "sslmode=prefer",
        "sslmode=require",
        "sslmode=require&channel_binding=require",
        &format!("sslmode=require&sslrootcert={ours}"),
        &format!("sslmode=verify-ca&sslrootcert={ours}"),
        &format!("sslmode=verify-full&sslrootcert={ours}"),
        &format!("sslmode=verify-full&sslrootcert={ours}&channel_binding=require"),
    ] {
        let url = named(&server, NAME, parameters);
        let connected = store(&url).ping().await;
        assert!(connected.is_ok(), "{parameters}: {connected:?}");
    }
    // Another name, and an address without one.
    for url in [
        named(
            &server,
            "other.example",
            &format!("sslmode=verify-ca&sslrootcert={ours}"),
        ),
        server.url(&format!("sslmode=verify-ca&sslrootcert={ours}")),
    ] {
        assert!(store(&url).ping().await.is_ok());
    }
    let full = format!("sslmode=verify-full&sslrootcert={ours}");
    for (url, expected) in [
        (named(&server, "other.example", &full), WrongName),
        (server.url(&full), WrongName),
        (
            named(
                &server,
                NAME,
                &format!("sslmode=prefer&sslrootcert={theirs}"),
            ),
            Untrusted,
        ),
        (
            named(
                &server,
                NAME,
                &format!("sslmode=require&sslrootcert={theirs}"),
            ),
            Untrusted,
        ),
        (
            named(
                &server,
                NAME,
                &format!("sslmode=verify-ca&sslrootcert={theirs}"),
            ),
            Untrusted,
        ),
        (
            named(
                &server,
                NAME,
                &format!("sslmode=verify-full&sslrootcert={theirs}"),
            ),
            Untrusted,
        ),
        (named(&server, NAME, "sslmode=disable"), TlsRequired),
    ] {
        let (kind, text) = failure(&url).await;
        assert_eq!(kind, expected, "{text}");
    }
}

#[tokio::test]
async fn a_certificate_that_the_server_signed_itself_is_its_own_root() {
    let identity = self_signed(NAME);
    let server = Server::start(Some(&identity), &identity.certificate, TLS_ONLY).await;
    let root = server.file("root.pem", &identity.certificate);
    let full = format!("sslmode=verify-full&sslrootcert={root}");
    store(&named(&server, NAME, &full)).ping().await.unwrap();
    let (kind, text) = failure(&named(&server, "other.example", &full)).await;
    assert_eq!(kind, WrongName, "{text}");
}

#[tokio::test]
async fn a_server_without_tls_is_used_where_it_is_not_required() {
    let server = Server::start(None, "", "host all guest 127.0.0.1/32 scram-sha-256").await;
    for mode in ["prefer", "disable"] {
        let url = server.url(&format!("sslmode={mode}"));
        store(&url).ping().await.unwrap();
    }
    let (kind, text) = failure(&server.url("sslmode=require")).await;
    assert_eq!(kind, TlsUnsupported, "{text}");
}

#[tokio::test]
async fn a_client_certificate_takes_the_place_of_a_password() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let identity = authority.server(NAME);
    let rules = "hostssl all certified 127.0.0.1/32 cert";
    let server = Server::start(Some(&identity), &authority.certificate(), rules).await;
    let certified = |client: &crate::authority::Identity, name: &str| {
        let certificate = server.file(&format!("{name}.pem"), &client.certificate);
        let key = server.file(&format!("{name}.key"), &client.key);
        let parameters = format!("sslmode=require&sslcert={certificate}&sslkey={key}");
        url_of(
            "certified",
            "",
            &format!("127.0.0.1:{}", server.port),
            &parameters,
        )
    };
    let url = certified(&authority.client("certified"), "ours");
    store(&url).ping().await.unwrap();
    let (kind, text) = failure(&certified(&stranger.client("certified"), "theirs")).await;
    assert_eq!(kind, ClientCertificate, "{text}");
    let without = url_of("certified", "", &format!("127.0.0.1:{}", server.port), "");
    let (kind, text) = failure(&without).await;
    assert_eq!(kind, Login, "{text}");
}

#[tokio::test]
async fn migrations_and_lists_go_over_tls_and_keep_the_options_of_the_url() {
    let authority = Authority::new("ours");
    let identity = authority.server(NAME);
    let server = Server::start(Some(&identity), &authority.certificate(), TLS_ONLY).await;
    let root = server.file("root.pem", &authority.certificate());
    server
        .execute("ALTER ROLE guest SET statement_timeout = '1ms'")
        .await;
    let admin = server.admin_in("guests").await;
    admin
        .batch_execute("CREATE SCHEMA app AUTHORIZATION guest")
        .await
        .unwrap();
    let parameters =
        format!("sslmode=verify-full&sslrootcert={root}&options=-c%20search_path%3Dapp");
    let url = named(&server, NAME, &parameters);
    let applied = atlas_store::migrate(&SecretString::from(url.as_str())).await;
    assert!(!applied.unwrap().is_empty());
    let store = store(&url);
    store.open_reads().await.unwrap();
    assert_eq!(
        store.schema_state().await.unwrap().to_string(),
        "the schema is current"
    );
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let elsewhere: i64 = admin.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(elsewhere, 0);
}
