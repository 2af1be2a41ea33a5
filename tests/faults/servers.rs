//! A PostgreSQL and a Redis that one test has for itself, to break them.
//!
//! `cargo xtask test` names the programs where it started the services itself. Without them the
//! tests that need them say so and end.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas_test_support::eventually;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// How PostgreSQL ends on SIGQUIT: at once, and what ran is repaired at its next start.
const IMMEDIATELY: &str = "QUIT";

fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

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

/// A Redis in memory.
#[derive(Debug)]
pub(crate) struct RedisServer {
    program: PathBuf,
    port: u16,
    process: Option<Child>,
    _directory: TempDir,
}

impl RedisServer {
    /// An empty one.
    pub(crate) async fn start() -> Self {
        let program = named("ATLAS_REDIS_SERVER", "Redis").into();
        let mut server = Self {
            program,
            port: free_port(),
            process: None,
            _directory: tempfile::tempdir().unwrap(),
        };
        server.start_empty().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Starts it again, at the same address, with nothing in it.
    pub(crate) async fn start_empty(&mut self) {
        let port = self.port.to_string();
        let mut command = command(self.program.clone(), "ATLAS_REDIS_LIBRARIES");
        command
            .args(["--bind", "127.0.0.1", "--port", &port])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(self._directory.path())
            .stdout(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        eventually("Redis to answer", || async {
            let client = redis::Client::open(self.url()).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.ok()?;
            let pong: Result<String, _> = redis::cmd("PING").query_async(&mut connection).await;
            pong.ok()
        })
        .await;
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        connection(&self.url()).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection to Redis past the house.
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
    max_connections: usize,
    password: String,
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
        let programs = named("ATLAS_POSTGRES_BIN", "PostgreSQL").into();
        let account = std::env::var("ATLAS_POSTGRES_ACCOUNT").ok().map(|text| {
            let (user, group) = text.split_once(':').unwrap();
            (user.parse().unwrap(), group.parse().unwrap())
        });
        let mut server = Self {
            programs,
            account,
            port: free_port(),
            max_connections,
            password: uuid::Uuid::new_v4().simple().to_string(),
            process: None,
            directory: tempfile::tempdir().unwrap(),
        };
        server.initialise();
        server.serve().await;
        server
    }

    /// With the user who may create databases.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://atlas:{}@127.0.0.1:{}/postgres",
            self.password, self.port
        )
    }

    /// Ends it without a word to anybody, and starts it again.
    pub(crate) async fn restart_immediately(&mut self) {
        let mut process = self.process.take().unwrap();
        let status = Command::new("kill")
            .arg(format!("-{IMMEDIATELY}"))
            .arg(process.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
        process.wait().unwrap();
        self.serve().await;
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(self.programs.join(program), "ATLAS_POSTGRES_LIBRARIES");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
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
        let max_connections = format!("max_connections={}", self.max_connections);
        let mut command = self.command("postgres");
        command.args(["-D", "data"]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "jit=off",
            "fsync=off",
            &max_connections,
            &port,
        ] {
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
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill")
                .arg(format!("-{IMMEDIATELY}"))
                .arg(process.id().to_string())
                .status();
            let _ = process.wait();
        }
    }
}
