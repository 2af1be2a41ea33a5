//! A Redis that one test has for itself, to break it or to set it up as others have theirs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use crate::authority::Identity;
use crate::waiting::eventually;

/// A Redis in memory.
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    port: u16,
    arguments: Vec<String>,
    tls_port: Option<u16>,
    process: Option<Child>,
    directory: TempDir,
}

impl RedisServer {
    /// An empty one.
    ///
    /// # Panics
    /// Where no program is named: a server that cannot be broken shows nothing.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One with further arguments, as `--requirepass secret`.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare();
        server.arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        server.start_empty().await;
        server
    }

    /// One that also has TLS, with this certificate.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub async fn start_tls(identity: &Identity) -> Self {
        let mut server = Self::prepare();
        let tls_port = free_port();
        let certificate = server.file("server.crt", &identity.certificate);
        let key = server.file("server.key", &identity.key);
        server.arguments = [
            ("--tls-port", tls_port.to_string()),
            ("--tls-cert-file", certificate.display().to_string()),
            ("--tls-key-file", key.display().to_string()),
            ("--tls-auth-clients", "no".to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect();
        server.tls_port = Some(tls_port);
        server.start_empty().await;
        server
    }

    fn prepare() -> Self {
        let program = std::env::var_os("ATLAS_REDIS_SERVER").unwrap_or_else(|| {
            panic!(
                "ATLAS_REDIS_SERVER names no Redis to start, so nothing was tested: install it (or \
                 apt-get and dpkg-deb, which unpack it) and run: cargo xtask test"
            )
        });
        Self {
            program: program.into(),
            port: free_port(),
            arguments: Vec::new(),
            tls_port: None,
            process: None,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as("")
    }

    /// The same for a user and password, `user:password@`.
    #[must_use]
    pub fn url_as(&self, who: &str) -> String {
        format!("redis://{who}127.0.0.1:{}/", self.port)
    }

    /// Where it has TLS, by a name of this machine.
    #[must_use]
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://{host}:{}/", self.tls_port.unwrap())
    }

    /// Its port without TLS.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that lasts as long as the server's data.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it again, at the same address, with nothing in it.
    pub async fn start_empty(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new(&self.program);
        if let Some(libraries) = std::env::var_os("ATLAS_REDIS_LIBRARIES") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
            .env("LC_ALL", "C")
            .args(["--bind", "127.0.0.1", "--port", &port])
            .args(["--save", "", "--appendonly", "no"])
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        // A refusal is an answer: of one that wants a password, for example.
        eventually("Redis to answer", || async {
            let client = redis::Client::open(self.url()).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.ok()?;
            let pong = redis::cmd("PING").query_async::<()>(&mut connection).await;
            match pong {
                Err(error) if error.is_io_error() => None,
                _ => Some(()),
            }
        })
        .await;
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A connection past the programs.
    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port on which nothing listens at the moment.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}
