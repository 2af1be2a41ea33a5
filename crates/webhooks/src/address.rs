//! Where an endpoint receives its deliveries.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::networks::{PermittedNetworks, RefusedAddress};

const HTTPS: u16 = 443;
const FIRST_UNPRIVILEGED_PORT: u16 = 1024;

/// Address of a receiver: `https`, a host, and path and query as they like. Path and query may be
/// secret, as those of chat services are: `Debug` and `Display` show only scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address of a receiver. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is too long.
    #[error("an address has at most {} bytes", Address::MAX_LENGTH)]
    TooLong,
    /// It holds what has to be percent-encoded.
    #[error("an address has no spaces and no control characters")]
    Characters,
    /// It is no URL.
    #[error("it is not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// It is of another scheme.
    #[error("an address begins with https://")]
    Scheme,
    /// It has a user name or a password.
    #[error("an address has no user name and no password: deliveries are signed instead")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("an address has no fragment (#)")]
    Fragment,
    /// It names the port of another service.
    #[error("the port must be 443, or 1024 or more; it is {0}")]
    Port(u16),
}

impl Address {
    /// Most bytes of an address.
    pub const MAX_LENGTH: usize = 2048;

    /// The whole address, as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the host is a name, or an address that may be connected to. What a name resolves to is
    /// checked whenever a connection is made.
    ///
    /// # Errors
    /// [`RefusedAddress`].
    pub fn check(&self, networks: &PermittedNetworks) -> Result<(), RefusedAddress> {
        let literal: IpAddr = match self.0.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        networks.check(literal)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LENGTH {
            return Err(AddressError::TooLong);
        }
        // The reader of URLs would leave them out.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(AddressError::Characters);
        }
        let url = Url::parse(text)?;
        if url.scheme() != "https" {
            return Err(AddressError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(AddressError::Fragment);
        }
        let port = url.port().unwrap_or(HTTPS);
        if port != HTTPS && port < FIRST_UNPRIVILEGED_PORT {
            return Err(AddressError::Port(port));
        }
        // Percent-encoding makes some longer.
        if url.as_str().len() > Self::MAX_LENGTH {
            return Err(AddressError::TooLong);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::networks::NetworkKind;

    fn parse(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    #[test]
    fn addresses_of_receivers_are_read_and_written_in_one_form() {
        for (text, written) in [
            ("https://example.com", "https://example.com/"),
            (
                "https://example.com/hooks?key=a%20b",
                "https://example.com/hooks?key=a%20b",
            ),
            ("HTTPS://Example.COM:443/A", "https://example.com/A"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            (
                "https://[2606:4700::1]:1024/",
                "https://[2606:4700::1]:1024/",
            ),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.as_str(), written);
            assert_eq!(parse(written), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_of_a_receiver_is_refused_with_the_reason() {
        let long = format!("https://example.com/{}", "a".repeat(2029));
        let longer_encoded = format!("https://example.com/{}", "é".repeat(500));
        for (text, reason) in [
            ("http://example.com/", AddressError::Scheme),
            ("file:///etc/passwd", AddressError::Scheme),
            (
                "example.com",
                AddressError::Url(url::ParseError::RelativeUrlWithoutBase),
            ),
            ("https://", AddressError::Url(url::ParseError::EmptyHost)),
            ("https://user@example.com/", AddressError::Credentials),
            ("https://:password@example.com/", AddressError::Credentials),
            ("https://example.com/#part", AddressError::Fragment),
            ("https://example.com:22/", AddressError::Port(22)),
            ("https://example.com:0/", AddressError::Port(0)),
            ("https://example.com:80/", AddressError::Port(80)),
            ("https://exam\tple.com/", AddressError::Characters),
            (" https://example.com/", AddressError::Characters),
            ("https://example.com/a b", AddressError::Characters),
            (&long, AddressError::TooLong),
            (&longer_encoded, AddressError::TooLong),
        ] {
            assert_eq!(parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn a_private_address_is_found_however_it_is_written() {
        let refused = |text: &str| {
            let checked = parse(text).unwrap().check(&PermittedNetworks::default());
            checked.err().map(|refused| refused.network)
        };
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://①②⑦.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://[0:0:0:0:0:ffff:127.0.0.1]/",
        ] {
            assert_eq!(refused(text), Some(NetworkKind::Loopback), "{text}");
        }
        assert_eq!(
            refused("https://169.254.169.254/"),
            Some(NetworkKind::CloudMetadata)
        );
        assert_eq!(refused("https://8.8.8.8/"), None);
        // What a name leads to is checked at the connection.
        assert_eq!(refused("https://localhost/"), None);
    }

    #[test]
    fn neither_an_address_nor_an_error_shows_path_and_query() {
        let address = parse("https://example.com:8443/secret-path?secret-key").unwrap();
        assert_eq!(address.to_string(), "https://example.com:8443");
        assert_eq!(format!("{address:?}"), "Address(https://example.com:8443)");
        let error = parse("https://example.com/secret-path#secret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn every_text_is_refused_or_an_https_address_that_is_read_again(text in "\\PC{0,64}") {
            for text in [text.clone(), format!("https://{text}")] {
                if let Ok(address) = parse(&text) {
                    prop_assert!(address.as_str().starts_with("https://"));
                    prop_assert_eq!(parse(address.as_str()), Ok(address));
                }
            }
        }
    }
}
