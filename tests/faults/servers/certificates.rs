//! TLS of a PostgreSQL: an authority of its own certifies it for its address, and may do so again.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use atlas_test_support::authority::Authority;

use super::{FAST, PostgresServer};

/// The file with the authority's certificate, which programs trust.
const ROOT: &str = "root.pem";

impl PostgresServer {
    /// One that has TLS. Connections without it are accepted, too: the tests' own are such.
    pub(crate) async fn start_with_tls() -> Self {
        let settings = vec!["max_connections=300".to_owned(), "ssl=on".to_owned()];
        let mut server = Self::prepare(settings);
        let authority = Authority::new("faults");
        let root = server.directory.path().join(ROOT);
        std::fs::write(root, authority.certificate()).unwrap();
        server.authority = Some(authority);
        server.certify();
        server.serve().await;
        server
    }

    /// Parameters of a URL with which a program accepts nobody but this server.
    pub(crate) fn verifying(&self) -> String {
        let root = self.directory.path().join(ROOT);
        format!("sslmode=verify-full&sslrootcert={}", root.display())
    }

    /// Restarts it, after its certificate and its key were replaced.
    pub(crate) async fn restart_with_another_certificate(&mut self) {
        self.stop(FAST);
        self.certify();
        self.start_again().await;
    }

    /// The certificate that it has, as PEM.
    pub(crate) fn certificate(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("data/server.crt")).unwrap()
    }

    /// Writes a new certificate and its key to where PostgreSQL looks for them when it starts.
    fn certify(&self) {
        let authority = self.authority.as_ref().unwrap();
        let identity = authority.server("127.0.0.1");
        for (name, text) in [
            ("server.crt", &identity.certificate),
            ("server.key", &identity.key),
        ] {
            let path = self.directory.path().join("data").join(name);
            // PostgreSQL refuses a key that others may read.
            let mut file = std::fs::File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
            self.give(&path);
        }
    }
}
