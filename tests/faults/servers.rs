//! A PostgreSQL that one test has for itself, to break it; and the Redis of test-support.
//!
//! `cargo xtask test` names the programs where it started the services itself. Without them the
//! tests that need them say so and end.

mod certificates;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) use atlas_test_support::RedisServer;
use atlas_test_support::authority::Authority;
use atlas_test_support::{eventually, free_port};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// How PostgreSQL ends on SIGQUIT: at once, and what ran is repaired at its next start.
const IMMEDIATELY: &str = "QUIT";
/// How PostgreSQL ends on SIGINT, as when its service is restarted: all who are connected are thrown out,
/// and what they did is rolled back.
const FAST: &str = "INT";
/// How PostgreSQL ends on SIGTERM: when all who are connected have left.
const ONCE_LEFT: &str = "TERM";

/// A program with the directories of its libraries.
fn command(program: PathBuf, libraries: &str) -> Command {
    let mut command = Command::new(program);
    if let Some(libraries) = std::env::var_os(libraries) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// The value of a variable.
///
/// # Panics
/// Without it: a server that cannot be broken shows nothing.
fn named(variable: &str, what: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| {
        panic!(
            "{variable} names no {what} to start, so nothing was tested: install it (or apt-get \
             and dpkg-deb, which unpack it) and run: cargo xtask test"
        )
    })
}

/// A connection to Redis past the installation.
pub(crate) async fn connection(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// A PostgreSQL with data of its own.
#[derive(Debug)]
pub(crate) struct PostgresServer {
    programs: PathBuf,
    /// Who runs it, when that is not who runs the test.
    account: Option<(u32, u32)>,
    port: u16,
    /// As `name=value`.
    settings: Vec<String>,
    password: String,
    /// Who certifies it, when it has TLS.
    authority: Option<Authority>,
    process: Option<Child>,
    directory: TempDir,
}

impl PostgresServer {
    /// A fresh one.
    pub(crate) async fn start() -> Self {
        Self::start_with(300).await
    }

    /// One that has so many connections for everybody.
    pub(crate) async fn start_with(max_connections: usize) -> Self {
        Self::start_set(vec![format!("max_connections={max_connections}")]).await
    }

    /// One whose messages are German, with further settings.
    pub(crate) async fn start_german(settings: &[&str]) -> Self {
        let locale = std::env::var("ATLAS_GERMAN_LOCALE").unwrap_or_else(|_| {
            panic!(
                "no server can report errors in German here, so nothing was tested: install a \
                 German locale (or apt-get and dpkg-deb, which unpack it) and run: cargo xtask test"
            )
        });
        let language = format!("lc_messages={locale}");
        let settings = settings.iter().map(|setting| (*setting).to_owned());
        Self::start_set(settings.chain([language]).collect()).await
    }

    async fn start_set(settings: Vec<String>) -> Self {
        let mut server = Self::prepare(settings);
        server.serve().await;
        server
    }

    /// One that does not run yet.
    fn prepare(settings: Vec<String>) -> Self {
        let programs = named("ATLAS_POSTGRES_BIN", "PostgreSQL").into();
        let account = std::env::var("ATLAS_POSTGRES_ACCOUNT").ok().map(|text| {
            let (user, group) = text.split_once(':').unwrap();
            (user.parse().unwrap(), group.parse().unwrap())
        });
        let server = Self {
            programs,
            account,
            port: free_port(),
            settings,
            password: uuid::Uuid::new_v4().simple().to_string(),
            authority: None,
            process: None,
            directory: tempfile::tempdir().unwrap(),
        };
        server.initialise();
        server
    }

    /// With the user who may create databases.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://atlas:{}@127.0.0.1:{}/postgres",
            self.password, self.port
        )
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// From now on it refuses who connects, and ends when all who are connected have left.
    pub(crate) fn shut_down_once_left(&self) {
        signal(self.process.as_ref().unwrap(), ONCE_LEFT);
    }

    /// Ends it without a word to anybody.
    pub(crate) fn stop_immediately(&mut self) {
        self.stop(IMMEDIATELY);
    }

    fn stop(&mut self, way: &str) {
        let mut process = self.process.take().unwrap();
        signal(&process, way);
        process.wait().unwrap();
    }

    /// Starts it again, at the same address.
    pub(crate) async fn start_again(&mut self) {
        self.serve().await;
    }

    /// Ends it without a word to anybody, and starts it again.
    pub(crate) async fn restart_immediately(&mut self) {
        self.stop_immediately();
        self.start_again().await;
    }

    /// Whether it takes writes, from now on and over restarts: also from those who are connected, in their
    /// next transactions.
    pub(crate) async fn takes_writes(&self, it_does: bool) {
        let client = self.administrator().await;
        let setting = if it_does { "off" } else { "on" };
        // Nothing of this writes to a table.
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {setting}");
        client.batch_execute(&set).await.unwrap();
        client
            .batch_execute("SELECT pg_reload_conf()")
            .await
            .unwrap();
        eventually("PostgreSQL to read its settings", || async {
            let shown = "SHOW default_transaction_read_only";
            let shown = self.administrator().await.query_one(shown, &[]).await;
            (shown.unwrap().get::<_, &str>(0) == setting).then_some(())
        })
        .await;
    }

    async fn administrator(&self) -> tokio_postgres::Client {
        let connecting = tokio_postgres::connect(&self.url(), NoTls).await;
        let (client, connection) = connecting.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Writes a database into a file, while others use it.
    pub(crate) fn dump(&self, database_url: &str, file: &Path) {
        let mut command = self.command("pg_dump");
        command.args([
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--dbname",
        ]);
        let output = command.arg(database_url).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        std::fs::write(file, output.stdout).unwrap();
    }

    /// Fills an empty database with what another one's file holds.
    pub(crate) fn restore(&self, file: &Path, database_url: &str) {
        let mut command = self.command("pg_restore");
        command
            .args([
                "--exit-on-error",
                "--no-owner",
                "--no-privileges",
                "--dbname",
            ])
            .arg(database_url)
            .stdin(File::open(file).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(self.programs.join(program), "ATLAS_POSTGRES_LIBRARIES");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        if let Some(locales) = std::env::var_os("ATLAS_GERMAN_LOCPATH") {
            command.env("LOCPATH", locales);
        }
        command.current_dir(self.directory.path());
        command
    }

    fn initialise(&self) {
        self.give(self.directory.path());
        let password = self.directory.path().join("password");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&password)
            .unwrap();
        file.write_all(self.password.as_bytes()).unwrap();
        self.give(&password);
        let output = self
            .command("initdb")
            .args(["--username=atlas", "--auth=password", "--no-sync"])
            .args(["--locale=C", "--encoding=UTF8", "--pgdata=data"])
            .arg("--pwfile=password")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.account {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    async fn serve(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .unwrap();
        let port = format!("port={}", self.port);
        let mut command = self.command("postgres");
        command.args(["-D", "data"]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "jit=off",
            "fsync=off",
            &port,
        ] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        eventually("PostgreSQL to answer", || async {
            let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.ok()?;
            tokio::spawn(connection);
            client.simple_query("SELECT 1").await.ok()
        })
        .await;
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.stop_immediately();
        }
    }
}

fn signal(process: &Child, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.id().to_string())
        .status();
    assert!(status.unwrap().success());
}
