//! A fresh database for one test, copied from a template that carries the schema.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_store::{Pooling, Store, StoreOptions};
use secrecy::SecretString;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Whoever makes the template holds this advisory lock, across all processes of a test run.
const TEMPLATE_LOCK: &str = "SELECT pg_advisory_lock(7249002)";

/// A database of one test. It is dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    admin_url: String,
}

impl TestDatabase {
    /// Copies the template, which is made first when it is not there.
    pub async fn create() -> Self {
        Self::create_at(crate::service("DATABASE_URL")).await
    }

    /// The same on a server that the test runs for itself. The URL's user may create databases.
    pub async fn create_at(admin_url: String) -> Self {
        let admin = connect(&admin_url).await;
        let template = template(&admin_url, &admin).await;
        let name = format!("test_{}", Uuid::new_v4().simple());
        create_from(&admin, &name, &template).await;
        Self { name, admin_url }
    }

    /// A database without a schema.
    pub async fn empty() -> Self {
        Self::empty_at(crate::service("DATABASE_URL")).await
    }

    /// The same on a server that the test runs for itself.
    pub async fn empty_at(admin_url: String) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        create_from(&connect(&admin_url).await, &name, "template0").await;
        Self { name, admin_url }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        with_database(&self.admin_url, &self.name)
    }

    /// A store over it.
    #[must_use]
    pub fn store(&self) -> Store {
        let options = StoreOptions {
            database_url: SecretString::from(self.url()),
            pooling: Pooling::Session,
            pool_size: 8,
            read_pool_size: 4,
            application_name: "test".to_owned(),
            acquire_timeout: Duration::from_secs(30),
        };
        Store::new(&options, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap()
    }

    /// A connection past the store, to look into rows and to break them.
    pub async fn connection(&self) -> tokio_postgres::Client {
        connect(&self.url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, name) = (self.admin_url.clone(), self.name.clone());
        // A test may run on a single-threaded runtime, which must not be blocked by itself.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                let _ = connect(&url).await.batch_execute(&statement).await;
            });
        });
        let _ = dropped.join();
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to the tests' PostgreSQL: {error}"));
    tokio::spawn(connection);
    client
}

/// The name carries a hash of the migrations, so that a changed schema gets a new template.
async fn template(admin_url: &str, admin: &tokio_postgres::Client) -> String {
    let mut hash = DefaultHasher::new();
    for entry in migrations() {
        entry.hash(&mut hash);
    }
    let name = format!("template_{:016x}", hash.finish());
    admin.batch_execute(TEMPLATE_LOCK).await.unwrap();
    let known = admin
        .query_opt(
            "SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate",
            &[&name],
        )
        .await
        .unwrap();
    if known.is_none() {
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name}"))
            .await
            .unwrap();
        create_from(admin, &name, "template0").await;
        let url = SecretString::from(with_database(admin_url, &name));
        atlas_store::migrate(&url).await.unwrap();
        let finished = format!("ALTER DATABASE {name} WITH IS_TEMPLATE true");
        admin.batch_execute(&finished).await.unwrap();
    }
    admin
        .batch_execute("SELECT pg_advisory_unlock(7249002)")
        .await
        .unwrap();
    name
}

fn migrations() -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut found = Vec::new();
    for directory in std::fs::read_dir(root).unwrap() {
        let directory = directory.unwrap();
        let text = std::fs::read_to_string(directory.path().join("up.sql")).unwrap();
        found.push((directory.file_name().into_string().unwrap(), text));
    }
    found.sort();
    found
}

async fn create_from(admin: &tokio_postgres::Client, name: &str, template: &str) {
    let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
    admin.batch_execute(&statement).await.unwrap();
}

/// The URL with another database in place of its last path segment.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url
        .split_once('?')
        .map_or((url, None), |(base, query)| (base, Some(query)));
    let authority_at = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority_at..]
        .find('/')
        .map_or(base.len(), |at| authority_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}
