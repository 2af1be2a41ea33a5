//! Which addresses deliveries may be sent to: those of the public internet, and what the operator
//! permits.
//!
//! The tables follow the registries of special-purpose addresses of IANA ([IPv4][v4], [IPv6][v6]).
//! Of IPv6 only global unicast is public (2000::/3, RFC 4291 section 2.4), so that what IANA hands
//! out later is refused until this table knows it.
//!
//! [v4]: https://www.iana.org/assignments/iana-ipv4-special-registry/
//! [v6]: https://www.iana.org/assignments/iana-ipv6-special-registry/

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What an address that is not public belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkKind {
    /// A service of a cloud that answers only to the cloud's own machines, often with credentials.
    CloudMetadata,
    /// `0.0.0.0/8` and `::`.
    Unspecified,
    /// The machine itself.
    Loopback,
    /// RFC 1918.
    Private,
    /// Carrier-grade NAT (RFC 6598).
    SharedCarrier,
    /// RFC 4193: the private addresses of IPv6.
    UniqueLocal,
    /// One link.
    LinkLocal,
    /// Many receivers.
    Multicast,
    /// Examples in documents.
    Documentation,
    /// Benchmarks of network devices.
    Benchmark,
    /// IPv6 that stands for other addresses: 6to4, Teredo, IPv4-compatible, local NAT64.
    Transition,
    /// Anything else that is not assigned to the public internet.
    Reserved,
}

impl NetworkKind {
    /// Whether an operator can permit it. Receivers stand in no other.
    const fn is_permittable(self) -> bool {
        matches!(
            self,
            Self::Loopback | Self::Private | Self::SharedCarrier | Self::UniqueLocal
        )
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloudMetadata => "an internal service of a cloud",
            Self::Unspecified => "unspecified",
            Self::Loopback => "a loopback address",
            Self::Private => "in a private network",
            Self::SharedCarrier => "in a network of carrier-grade NAT",
            Self::UniqueLocal => "in a unique local network",
            Self::LinkLocal => "a link-local address",
            Self::Multicast => "a multicast address",
            Self::Documentation => "reserved for documentation",
            Self::Benchmark => "reserved for benchmarks",
            Self::Transition => "an IPv6 address that stands for another",
            Self::Reserved => "reserved",
        })
    }
}

/// An address that nothing may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {network}")]
pub struct RefusedAddress {
    /// The address, as it was given or resolved.
    pub address: IpAddr,
    /// Why.
    pub network: NetworkKind,
}

/// Networks that are not public and that an operator permits nevertheless, for receivers on the
/// premises. Only networks of loopback, private, carrier-grade NAT and unique local addresses can be
/// permitted; a wider network permits what it holds of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermittedNetworks(Vec<IpNet>);

/// A text that lists no networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworksError {
    /// An entry is none.
    #[error("{0:?} is neither an address nor a network such as 10.1.0.0/16 or fd12::/16")]
    Entry(String),
    /// An entry has digits after its prefix, so that it may be meant otherwise.
    #[error("{0} is no network: write {1}, or the address alone")]
    HostBits(IpNet, IpNet),
}

impl FromStr for PermittedNetworks {
    type Err = NetworksError;

    /// Reads networks and addresses between commas; an empty text permits none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim);
        let networks = entries.filter(|entry| !entry.is_empty()).map(|entry| {
            let address = entry.parse::<IpAddr>().map(IpNet::from);
            let network = address.or_else(|_| entry.parse::<IpNet>());
            let network = network.map_err(|_| NetworksError::Entry(entry.to_owned()))?;
            if network == network.trunc() {
                Ok(network)
            } else {
                Err(NetworksError::HostBits(network, network.trunc()))
            }
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl PermittedNetworks {
    /// Whether deliveries may be sent to the address. IPv4 within IPv6 (IPv4-mapped and NAT64) is
    /// judged as the IPv4 address that it leads to.
    ///
    /// # Errors
    /// [`RefusedAddress`].
    pub fn check(&self, address: IpAddr) -> Result<(), RefusedAddress> {
        let reached = without_embedding(address);
        let Some(network) = network_of(reached) else {
            return Ok(());
        };
        let permitted = || self.0.iter().any(|network| network.contains(&reached));
        if network.is_permittable() && permitted() {
            Ok(())
        } else {
            Err(RefusedAddress { address, network })
        }
    }
}

/// The well-known prefix of NAT64 (RFC 6052 section 2.1).
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// The address that a connection to this one leads to.
fn without_embedding(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        address => address,
    }
}

/// What the address belongs to; `None` where it is public.
fn network_of(address: IpAddr) -> Option<NetworkKind> {
    match address {
        IpAddr::V4(address) => {
            let mut networks = IPV4.iter();
            let found = networks.find(|(network, _)| network.contains(&address));
            found.map(|(_, kind)| *kind)
        }
        IpAddr::V6(address) => {
            let mut networks = IPV6.iter();
            let found = networks.find(|(network, _)| network.contains(&address));
            let rest = (!GLOBAL_UNICAST.contains(&address)).then_some(NetworkKind::Reserved);
            found.map(|(_, kind)| *kind).or(rest)
        }
    }
}

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(parts: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = parts;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// The first that holds an address is its own.
const IPV4: [(Ipv4Net, NetworkKind); 21] = [
    // Azure's platform ("What is IP address 168.63.129.16?"): a public address inside its networks.
    (v4([168, 63, 129, 16], 32), NetworkKind::CloudMetadata),
    // AWS, Azure, Google Cloud, Oracle Cloud, OpenStack and others; credentials of tasks on AWS.
    (v4([169, 254, 169, 254], 32), NetworkKind::CloudMetadata),
    (v4([169, 254, 170, 2], 32), NetworkKind::CloudMetadata),
    (v4([169, 254, 170, 23], 32), NetworkKind::CloudMetadata),
    // Alibaba Cloud.
    (v4([100, 100, 100, 200], 32), NetworkKind::CloudMetadata),
    // Oracle Cloud's older images.
    (v4([192, 0, 0, 192], 32), NetworkKind::CloudMetadata),
    (v4([0, 0, 0, 0], 8), NetworkKind::Unspecified),
    (v4([10, 0, 0, 0], 8), NetworkKind::Private),
    (v4([100, 64, 0, 0], 10), NetworkKind::SharedCarrier),
    (v4([127, 0, 0, 0], 8), NetworkKind::Loopback),
    (v4([169, 254, 0, 0], 16), NetworkKind::LinkLocal),
    (v4([172, 16, 0, 0], 12), NetworkKind::Private),
    (v4([192, 0, 0, 0], 24), NetworkKind::Reserved),
    (v4([192, 0, 2, 0], 24), NetworkKind::Documentation),
    (v4([192, 88, 99, 0], 24), NetworkKind::Reserved),
    (v4([192, 168, 0, 0], 16), NetworkKind::Private),
    (v4([198, 18, 0, 0], 15), NetworkKind::Benchmark),
    (v4([198, 51, 100, 0], 24), NetworkKind::Documentation),
    (v4([203, 0, 113, 0], 24), NetworkKind::Documentation),
    (v4([224, 0, 0, 0], 4), NetworkKind::Multicast),
    (v4([240, 0, 0, 0], 4), NetworkKind::Reserved),
];

/// The first that holds an address is its own; IPv4-mapped addresses and NAT64 never get here.
const IPV6: [(Ipv6Net, NetworkKind); 15] = [
    // Services of AWS for its machines: metadata, credentials, DNS and time.
    (
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),
        NetworkKind::CloudMetadata,
    ),
    // Google Cloud.
    (
        v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
        NetworkKind::CloudMetadata,
    ),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), NetworkKind::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), NetworkKind::Loopback),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), NetworkKind::Transition),
    (
        v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        NetworkKind::Transition,
    ),
    (
        v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),
        NetworkKind::Transition,
    ),
    (
        v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48),
        NetworkKind::Benchmark,
    ),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), NetworkKind::Reserved),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        NetworkKind::Documentation,
    ),
    (
        v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
        NetworkKind::Transition,
    ),
    (
        v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        NetworkKind::Documentation,
    ),
    (
        v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
        NetworkKind::UniqueLocal,
    ),
    (
        v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
        NetworkKind::LinkLocal,
    ),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), NetworkKind::Multicast),
];

#[cfg(test)]
mod tests;
