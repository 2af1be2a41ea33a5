//! A PostgreSQL that one test has for itself, with a certificate and rules of its own.
//!
//! `cargo xtask test` names the programs.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas_test_support::{eventually, free_port};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::authority::Identity;

/// The user who makes databases, without TLS.
const ADMIN_PASSWORD: &str = "admin";
/// The user of [`Server::url`], for whom the rules are.
pub(crate) const GUEST: &str = "guest";
/// Every character of it means something in a URL.
pub(crate) const GUEST_PASSWORD: &str = "p@:/%#? w&=+ü";

/// A running one.
pub(crate) struct Server {
    pub(crate) port: u16,
    process: Child,
    directory: TempDir,
    account: Option<(u32, u32)>,
}

impl Server {
    /// One that has TLS, with this certificate, and believes certificates of this authority. `rules`
    /// are lines of `pg_hba.conf`; users other than the administrator have no others.
    pub(crate) async fn start(identity: Option<&Identity>, authority: &str, rules: &str) -> Self {
        let account = std::env::var("ATLAS_POSTGRES_ACCOUNT").ok().map(|text| {
            let (user, group) = text.split_once(':').unwrap();
            (user.parse().unwrap(), group.parse().unwrap())
        });
        let directory = tempfile::tempdir().unwrap();
        give(account, directory.path());
        initialise(account, directory.path());
        let place = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            give(account, &path);
            path
        };
        let rules = format!("host all admin 127.0.0.1/32 password\n{rules}\n");
        let rules = place("hba.conf", &rules);
        let mut settings = vec![format!("hba_file={}", rules.display())];
        if let Some(identity) = identity {
            let files = [
                ("ssl_cert_file", place("server.crt", &identity.certificate)),
                ("ssl_key_file", place("server.key", &identity.key)),
                ("ssl_ca_file", place("root.crt", authority)),
            ];
            settings.push("ssl=on".to_owned());
            settings.extend(files.map(|(name, path)| format!("{name}={}", path.display())));
        }
        let port = free_port();
        let process = serve(account, directory.path(), port, &settings);
        let server = Self {
            port,
            process,
            directory,
            account,
        };
        eventually("PostgreSQL to answer", || async {
            let (client, connection) =
                tokio_postgres::connect(&server.admin_url("postgres"), NoTls)
                    .await
                    .ok()?;
            tokio::spawn(connection);
            client.simple_query("SELECT 1").await.ok()
        })
        .await;
        let sql = format!(
            "CREATE ROLE {GUEST} LOGIN PASSWORD '{GUEST_PASSWORD}'; \
             CREATE ROLE certified LOGIN;"
        );
        server.execute(&sql).await;
        server.execute("CREATE DATABASE guests OWNER guest").await;
        server
    }

    fn admin_url(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://admin:{ADMIN_PASSWORD}@127.0.0.1:{port}/{database}")
    }

    /// The guest's, with these parameters.
    pub(crate) fn url(&self, parameters: &str) -> String {
        url_of(
            GUEST,
            GUEST_PASSWORD,
            &format!("127.0.0.1:{}", self.port),
            parameters,
        )
    }

    /// Runs SQL as the administrator.
    pub(crate) async fn execute(&self, sql: &str) {
        self.admin_in("postgres")
            .await
            .batch_execute(sql)
            .await
            .unwrap();
    }

    /// A session of the administrator in a database.
    pub(crate) async fn admin_in(&self, database: &str) -> tokio_postgres::Client {
        let url = self.admin_url(database);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Ends it at once.
    pub(crate) fn stop(&mut self) {
        let status = Command::new("kill")
            .args(["-QUIT", &self.process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
        self.process.wait().unwrap();
    }

    /// Lets a program run as the server does.
    pub(crate) fn run_as_its_account(&self, command: &mut Command) {
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
    }

    /// Gives a file or directory to whom such a program runs as.
    pub(crate) fn give(&self, path: &Path) {
        give(self.account, path);
    }

    /// A file that this side reads.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        give(self.account, &path);
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.stop();
        }
    }
}

/// A URL of the guests' database, with everything percent-encoded.
pub(crate) fn url_of(user: &str, password: &str, hosts: &str, parameters: &str) -> String {
    let password = password.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    });
    format!("postgres://{user}:{password}@{hosts}/guests?{parameters}")
}

fn program(account: Option<(u32, u32)>, directory: &Path, name: &str) -> Command {
    let programs = std::env::var_os("ATLAS_POSTGRES_BIN").unwrap_or_else(|| {
        panic!(
            "ATLAS_POSTGRES_BIN names no PostgreSQL to start, so nothing was tested: install it and \
             run: cargo xtask test"
        )
    });
    let mut command = Command::new(PathBuf::from(programs).join(name));
    if let Some(libraries) = std::env::var_os("ATLAS_POSTGRES_LIBRARIES") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .current_dir(directory);
    command
}

fn initialise(account: Option<(u32, u32)>, directory: &Path) {
    let password = directory.join("password");
    std::fs::write(&password, ADMIN_PASSWORD).unwrap();
    give(account, &password);
    let output = program(account, directory, "initdb")
        .args(["--username=admin", "--auth=scram-sha-256", "--no-sync"])
        .args(["--locale=C", "--encoding=UTF8", "--pgdata=data"])
        .arg("--pwfile=password")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn serve(account: Option<(u32, u32)>, directory: &Path, port: u16, settings: &[String]) -> Child {
    let mut command = program(account, directory, "postgres");
    command.args(["-D", "data"]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        &format!("port={port}"),
    ] {
        command.args(["-c", setting]);
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
    let log = std::fs::File::create(directory.join("log")).unwrap();
    command.stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap()
}

fn give(account: Option<(u32, u32)>, path: &Path) {
    if let Some((user, group)) = account {
        chown(path, Some(user), Some(group)).unwrap();
    }
}
