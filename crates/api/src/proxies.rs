//! Whose address a request came from when proxies stand before the API.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use actix_web::http::header::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Bits before an IPv4 address within IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

/// A network, as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Bits that are the same in every address of the network.
    prefix: u8,
}

/// The text is no network.
#[derive(Debug)]
pub struct NotANetwork;

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a network such as 10.0.0.0/8 or fd00::/8, or one address")
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let longest = bits(address);
        let prefix = prefix.map_or(Ok(longest), str::parse);
        let prefix = prefix.map_err(|_| NotANetwork)?;
        if prefix > longest {
            return Err(NotANetwork);
        }
        // Callers are compared in this form: ::ffff:10.0.0.1 is 10.0.0.1.
        Ok(match address.to_canonical() {
            IpAddr::V4(inner) if address.is_ipv6() && prefix >= MAPPED => Self {
                address: inner.into(),
                prefix: prefix - MAPPED,
            },
            _ => Self { address, prefix },
        })
    }
}

impl Network {
    /// Whether the address is one of the network.
    fn holds(&self, address: IpAddr) -> bool {
        let (ours, theirs, bits) = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let host_bits = u32::from(bits - self.prefix);
        // A shift by all 128 bits leaves nothing to compare.
        (ours ^ theirs).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    /// Networks with commas between them; none in an empty text.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let networks = text.split(',').filter(|network| !network.trim().is_empty());
        networks.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// The address that a request came from: the right-most one of `X-Forwarded-For` that is no
    /// trusted proxy, when a trusted proxy sent the request; else the peer. What stands left of an
    /// entry that is no address was written by nobody who is trusted, so that the proxy that wrote
    /// the entry counts as the caller.
    pub(crate) fn caller(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut caller = peer?.to_canonical();
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).collect();
        let entries = lines.iter().rev().flat_map(|line| {
            let line = line.to_str().unwrap_or("unreadable");
            line.rsplit(',').map(address)
        });
        for entry in entries {
            if !self.trust(caller) {
                break;
            }
            match entry {
                Some(address) => caller = address,
                None => break,
            }
        }
        Some(caller)
    }
}

/// An address as proxies write it: some add the port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse::<IpAddr>().ok().or_else(|| {
        let socket = entry.parse::<std::net::SocketAddr>();
        socket.ok().map(|socket| socket.ip())
    });
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn caller(trusted: &[&str], peer: &str, lines: &[&'static str]) -> String {
        let proxies: TrustedProxies = trusted.join(", ").parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let peer = Some(peer.parse().unwrap());
        let caller = proxies.caller(peer, &headers);
        caller.unwrap().to_string()
    }

    #[test]
    fn networks_are_compared_by_their_prefix() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.holds(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.1.2"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7"));
        assert!(!holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(!holds("::/0", "192.0.2.7"));
        assert!(holds("fd00::/8", "fdab::1"));
        assert!(!holds("fd00::/8", "fe80::1"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "a"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn without_a_trusted_proxy_the_header_says_nothing() {
        assert_eq!(caller(&[], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        let foreign = caller(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]);
        assert_eq!(foreign, "192.0.2.1");
        assert_eq!(caller(&["10.0.0.0/8"], "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_proxy_is_the_caller() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        let cases: &[(&[&'static str], &str)] = &[
            (&["203.0.113.9"], "203.0.113.9"),
            (&["198.51.100.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            (&["198.51.100.1", "203.0.113.9,10.2.3.4"], "203.0.113.9"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["[2001:db8::7]:443, fd00::1"], "2001:db8::7"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            (&["10.9.9.9, 10.8.8.8"], "10.9.9.9"),
        ];
        for (lines, expected) in cases {
            assert_eq!(caller(&trusted, "10.0.0.1", lines), *expected, "{lines:?}");
        }
        let mapped = caller(&trusted, "::ffff:10.0.0.1", &["203.0.113.9"]);
        assert_eq!(mapped, "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_is_ignored_with_all_that_stands_left_of_it() {
        let trusted = ["10.0.0.0/8"];
        let cases: &[(&[&'static str], &str)] = &[
            (&["203.0.113.9, unknown"], "10.0.0.1"),
            (&["203.0.113.9, unknown, 10.2.3.4"], "10.2.3.4"),
            (&["203.0.113.9,"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
        ];
        for (lines, expected) in cases {
            assert_eq!(caller(&trusted, "10.0.0.1", lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn an_ipv4_network_may_be_written_within_ipv6() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (network, inside, outside) in [
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"),
        ] {
            let trusted: TrustedProxies = network.parse().unwrap();
            assert!(trusted.trust(address(inside)), "{network}");
            assert!(!trusted.trust(address(outside)), "{network}");
        }
    }
}
