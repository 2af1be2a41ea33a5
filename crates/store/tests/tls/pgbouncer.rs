//! A PgBouncer that one test has for itself, before its PostgreSQL. `cargo xtask test` names the
//! programs.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::server::{GUEST, GUEST_PASSWORD, Server, url_of};
use atlas_test_support::{eventually, free_port};

/// The one of this machine's distribution, of any version.
pub(crate) const ANY: &str = "ATLAS_PGBOUNCER";
/// One that can keep prepared statements: version 1.21 or newer.
pub(crate) const KEEPING: &str = "ATLAS_PGBOUNCER_NEWER";

/// A running one.
pub(crate) struct PgBouncer {
    port: u16,
    process: Child,
    _directory: TempDir,
}

impl PgBouncer {
    /// The one that this variable names, with these lines in its configuration.
    pub(crate) async fn start(variable: &str, server: &Server, lines: &str) -> Self {
        let program = std::env::var_os(variable).unwrap_or_else(|| {
            panic!(
                "{variable} names no PgBouncer to start, so nothing was tested: install it (or \
                 apt-get and dpkg-deb, which unpack it) and run: cargo xtask test"
            )
        });
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let users = format!("\"{GUEST}\" \"{}\"\n", GUEST_PASSWORD.replace('"', "\"\""));
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = users\n{lines}\n",
            server.port
        );
        server.give(directory.path());
        for (name, text) in [("users", users), ("configuration", configuration)] {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            server.give(&path);
        }
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new(program);
        server.run_as_its_account(&mut command);
        command
            .args(["-q", "configuration"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let bouncer = Self {
            port,
            process: command.spawn().unwrap(),
            _directory: directory,
        };
        eventually("PgBouncer to listen", || async {
            let address = ("127.0.0.1", port);
            let connecting = TcpStream::connect(address);
            tokio::time::timeout(Duration::from_secs(1), connecting)
                .await
                .ok()?
                .ok()
        })
        .await;
        bouncer
    }

    /// The guest's, through it.
    pub(crate) fn url(&self) -> String {
        let host = format!("127.0.0.1:{}", self.port);
        url_of(GUEST, GUEST_PASSWORD, &host, "sslmode=disable")
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
