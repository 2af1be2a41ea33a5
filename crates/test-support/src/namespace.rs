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
