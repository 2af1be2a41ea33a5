//! A part of Redis for one test.

use uuid::Uuid;

/// A prefix that no other test uses. Its keys are deleted when it is dropped.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
    namespace: String,
}

impl TestRedis {
    /// A fresh namespace.
    #[must_use]
    pub fn create() -> Self {
        Self {
            url: crate::service("REDIS_URL"),
            namespace: format!("test-{}", Uuid::new_v4().simple()),
        }
    }

    /// Where Redis is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The prefix.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What Redis holds of jobs, as text: each field of its hashes with its value. A message that was
    /// pushed begins with its run's id, and is there until somebody has handled it.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("*{}*", self.namespace))
            .query(&mut connection)
            .unwrap();
        let hashes = keys.iter().filter_map(|key| {
            let fields: Result<Vec<(Vec<u8>, Vec<u8>)>, _> =
                redis::cmd("HGETALL").arg(key).query(&mut connection);
            fields.ok()
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        hashes
            .flatten()
            .map(|(field, value)| format!("{} {}", text(&field), text(&value)))
            .collect()
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let Ok(client) = redis::Client::open(self.url.as_str()) else {
            return;
        };
        let Ok(mut connection) = client.get_connection() else {
            return;
        };
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("*{}*", self.namespace))
            .query(&mut connection)
            .unwrap_or_default();
        if !keys.is_empty() {
            let _: Result<(), _> = redis::cmd("DEL").arg(keys).query(&mut connection);
        }
    }
}

/// An address at which nothing listens: a Redis that is down.
#[must_use]
pub fn dead_redis_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    format!("redis://127.0.0.1:{port}/")
}
