//! Limits and addresses of the client.

use std::time::Duration;

use url::Url;

/// How the client behaves. The defaults suit production; simulators override the addresses, and
/// tests shorten the waits.
#[derive(Debug, Clone)]
pub struct GraphOptions {
    /// Root of Microsoft Graph, without a version; `None` takes the tenant's cloud.
    pub graph_url: Option<Url>,
    /// Root of the sign-in service; `None` takes the tenant's cloud.
    pub login_url: Option<Url>,
    /// From sending a request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Largest response body that is read, in bytes after decompression.
    pub max_body_bytes: usize,
    /// The share of Graph's published limits that is used, above 0 and at most 1. What is left
    /// is for other programs that use the same application.
    pub limit_share: f64,
    /// Most requests that are under way at once for one tenant, over all of its lists.
    pub concurrency: usize,
    /// Most pages of lists that are requested or in memory at once, over all tenants. Requests that
    /// wait for a limit or a pause do not count.
    pub pages_in_memory: usize,
    /// Most bytes of answers that are in memory at once, over all tenants, after decompression: half
    /// of them for pages of lists, a quarter for what is read beside those, and a quarter for what is
    /// remembered of the objects of lists. No answer takes more than a quarter of them, and none that
    /// is read beside a page more than an eighth.
    pub bytes_in_memory: usize,
    /// How long one request waits altogether: between its attempts, for its tenant's pause, and for
    /// answers that did not come. Nothing else limits waiting.
    pub max_wait: Duration,
    /// Most pages of one list that are read.
    pub max_pages: u32,
    /// Wait before the second attempt when the service does not say; doubles with each further one.
    pub first_backoff: Duration,
    /// Distance between two requests to Conditional Access of one tenant. Graph allows one request
    /// per second and tenant, over all applications, and sends no `Retry-After` (Microsoft Graph
    /// throttling limits, "Identity protection and conditional access"). The default is a little
    /// longer, because requests do not take equally long to arrive.
    pub conditional_access_interval: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self {
            graph_url: None,
            login_url: None,
            request_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            max_body_bytes: 32 * 1024 * 1024,
            limit_share: 0.8,
            concurrency: 16,
            pages_in_memory: 8,
            bytes_in_memory: 128 * 1024 * 1024,
            max_wait: Duration::from_secs(15 * 60),
            max_pages: 10_000,
            first_backoff: Duration::from_secs(2),
            conditional_access_interval: Duration::from_millis(1_100),
            user_agent: concat!("TenantAtlas/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The client cannot be built from its options.
#[derive(Debug, thiserror::Error)]
pub enum GraphSetupError {
    /// An address is not one that requests can be sent to.
    #[error(
        "the {which} address must be http or https with a host, without user, query or fragment"
    )]
    Address {
        /// `graph` or `login`.
        which: &'static str,
    },
    /// The share of the limits is not above 0 and at most 1.
    #[error("the share of the limits must be above 0 and at most 1")]
    LimitShare,
    /// No request may be under way.
    #[error("at least one request must be allowed to be under way")]
    Concurrency,
    /// No page may be in memory.
    #[error("at least one page must be allowed to be in memory")]
    PagesInMemory,
    /// There is no memory for answers.
    #[error(
        "at least {} bytes of answers must be allowed to be in memory",
        GraphOptions::LEAST_BYTES_IN_MEMORY
    )]
    BytesInMemory,
    /// The user agent cannot be sent in a header.
    #[error("the user agent has characters that a header cannot carry")]
    UserAgent,
    /// The HTTP client could not be made, for example for want of TLS roots.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl GraphOptions {
    /// The least [`Self::bytes_in_memory`]: with less, ordinary pages would wait for each other.
    pub const LEAST_BYTES_IN_MEMORY: usize = 8 * 1024 * 1024;

    pub(crate) fn check(&self) -> Result<(), GraphSetupError> {
        for (which, url) in [("graph", &self.graph_url), ("login", &self.login_url)] {
            if url.as_ref().is_some_and(|url| !usable(url)) {
                return Err(GraphSetupError::Address { which });
            }
        }
        if !(self.limit_share > 0.0 && self.limit_share <= 1.0) {
            return Err(GraphSetupError::LimitShare);
        }
        if self.concurrency == 0 {
            return Err(GraphSetupError::Concurrency);
        }
        if self.pages_in_memory == 0 {
            return Err(GraphSetupError::PagesInMemory);
        }
        if self.bytes_in_memory < Self::LEAST_BYTES_IN_MEMORY {
            return Err(GraphSetupError::BytesInMemory);
        }
        Ok(())
    }

    /// Whether the addresses are overridden with ones on this machine, where no proxy stands
    /// between.
    pub(crate) fn is_local(&self) -> bool {
        [&self.graph_url, &self.login_url].into_iter().all(|url| {
            url.as_ref().is_some_and(|url| match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            })
        })
    }
}

fn usable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_are_accepted() {
        let with = |text: &str| GraphOptions {
            graph_url: Some(Url::parse(text).unwrap()),
            ..GraphOptions::default()
        };
        assert!(with("http://127.0.0.1:8085").check().is_ok());
        assert!(with("https://graph.example/base").check().is_ok());
        for refused in [
            "ftp://a",
            "https://user@a",
            "https://a?x=1",
            "data:x",
            "https://a#f",
        ] {
            assert!(with(refused).check().is_err(), "{refused}");
        }
    }

    #[test]
    fn limits_that_let_nothing_or_too_much_through_are_refused() {
        for limit_share in [0.0, -1.0, 1.1, f64::NAN] {
            let options = GraphOptions {
                limit_share,
                ..GraphOptions::default()
            };
            assert!(matches!(options.check(), Err(GraphSetupError::LimitShare)));
        }
        let options = GraphOptions {
            concurrency: 0,
            ..GraphOptions::default()
        };
        assert!(matches!(options.check(), Err(GraphSetupError::Concurrency)));
        let options = GraphOptions {
            pages_in_memory: 0,
            ..GraphOptions::default()
        };
        assert!(matches!(
            options.check(),
            Err(GraphSetupError::PagesInMemory)
        ));
        let options = GraphOptions {
            bytes_in_memory: GraphOptions::LEAST_BYTES_IN_MEMORY - 1,
            ..GraphOptions::default()
        };
        assert!(matches!(
            options.check(),
            Err(GraphSetupError::BytesInMemory)
        ));
        assert!(GraphOptions::default().check().is_ok());
    }

    #[test]
    fn local_means_both_addresses_on_this_machine() {
        let local = Url::parse("http://127.0.0.1:1").unwrap();
        let mut options = GraphOptions {
            graph_url: Some(local.clone()),
            ..GraphOptions::default()
        };
        assert!(!options.is_local());
        options.login_url = Some(local);
        assert!(options.is_local());
    }
}
