//! Several hosts, of which one takes writes; and statements that are cancelled over TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_domain::ids::UserId;
use atlas_store::ConnectFailureKind::NoSuitableHost;
use atlas_store::{NotificationFilter, PageRequest};
use atlas_test_support::eventually;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::authority::Authority;
use crate::server::{GUEST, GUEST_PASSWORD, Server, url_of};
use crate::{failure, store};

const TLS_ONLY: &str = "hostssl all guest 127.0.0.1/32 scram-sha-256";
const READ_ONLY: &str = "ALTER SYSTEM SET default_transaction_read_only = on";
const WRITABLE: &str = "ALTER SYSTEM SET default_transaction_read_only = off";
/// How a request for TLS begins: its length and its number.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[tokio::test]
async fn the_host_that_takes_writes_is_found_again_after_a_failover() {
    let authority = Authority::new("ours");
    let identity = authority.server("database.example");
    let root = authority.certificate();
    let mut first = Server::start(Some(&identity), &root, TLS_ONLY).await;
    let second = Server::start(Some(&identity), &root, TLS_ONLY).await;
    let set = async |sql: &str| {
        second.execute(sql).await;
        second.execute("SELECT pg_reload_conf()").await;
    };
    let is_read_only = async |expected: &str| {
        let (client, expected) = (second.admin_in("postgres").await, expected.to_owned());
        let shown = client
            .query_one("SHOW default_transaction_read_only", &[])
            .await;
        let shown: String = shown.unwrap().get(0);
        (shown == expected).then_some(())
    };
    set(READ_ONLY).await;
    eventually("the second to be read-only", || is_read_only("on")).await;
    let root = first.file("root.pem", &root);
    let url = url_of(
        GUEST,
        GUEST_PASSWORD,
        &format!("127.0.0.1:{},127.0.0.1:{}", second.port, first.port),
        &format!("sslmode=verify-ca&sslrootcert={root}&target_session_attrs=read-write"),
    );
    let store = store(&url);
    store.ping().await.unwrap();
    first.stop();
    let refused = failure(&server_url(&second, &root)).await;
    assert_eq!(refused.0, NoSuitableHost, "{}", refused.1);
    // The administrator's sessions are read-only, too, unless they say otherwise.
    set(WRITABLE).await;
    eventually("the second to take writes", || is_read_only("off")).await;
    eventually("the store to reach the second", || async {
        store.ping().await.ok()
    })
    .await;
}

fn server_url(server: &Server, root: &str) -> String {
    server.url(&format!(
        "sslmode=verify-ca&sslrootcert={root}&target_session_attrs=read-write"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_caller_left_is_cancelled_over_tls() {
    let authority = Authority::new("ours");
    let identity = authority.server("database.example");
    let server = Server::start(Some(&identity), &authority.certificate(), TLS_ONLY).await;
    let direct = server.url("sslmode=require");
    atlas_store::migrate(&SecretString::from(direct))
        .await
        .unwrap();
    let line = Line::before(server.port).await;
    let host = format!("127.0.0.1:{}", line.port);
    let store = store(&url_of(GUEST, GUEST_PASSWORD, &host, "sslmode=require"));
    store.ping().await.unwrap();

    let holder = server.admin_in("guests").await;
    holder
        .batch_execute("BEGIN; LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let admin = server.admin_in("guests").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'guest' AND wait_event_type = 'Lock'";
    let is_waiting = async |expected: i64| {
        let row = admin.query_one(waiting, &[]).await.unwrap();
        (row.get::<_, i64>(0) == expected).then_some(())
    };
    let caller = tokio::spawn(async move {
        let nobody = UserId::from_uuid(uuid::Uuid::nil());
        let _ = store
            .notifications(
                nobody,
                &NotificationFilter::unread(false),
                PageRequest::first(1),
            )
            .await;
    });
    eventually("the statement to wait", || is_waiting(1)).await;
    let before = line.encrypted.load(Ordering::SeqCst);
    caller.abort();
    eventually("the statement to be cancelled", || is_waiting(0)).await;
    assert_eq!(line.encrypted.load(Ordering::SeqCst), before + 1);
    assert_eq!(line.plain.load(Ordering::SeqCst), 0);
}

/// A line to a server that counts how connections over it begin.
struct Line {
    port: u16,
    encrypted: Arc<AtomicUsize>,
    plain: Arc<AtomicUsize>,
}

impl Line {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            encrypted: Arc::default(),
            plain: Arc::default(),
        };
        let (encrypted, plain) = (Arc::clone(&line.encrypted), Arc::clone(&line.plain));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut first = [0; 8];
                near.read_exact(&mut first).await.unwrap();
                let count = if first == TLS_REQUEST {
                    &encrypted
                } else {
                    &plain
                };
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    far.write_all(&first).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        line
    }
}
