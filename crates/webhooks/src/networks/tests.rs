use proptest::prelude::*;

use super::*;

fn permitting(text: &str) -> PermittedNetworks {
    text.parse().unwrap()
}

fn refusal(networks: &PermittedNetworks, address: &str) -> Option<NetworkKind> {
    let checked = networks.check(address.parse().unwrap());
    checked.err().map(|refused| refused.network)
}

#[test]
fn every_network_that_is_not_public_is_refused_from_its_first_to_its_last_address() {
    use NetworkKind::*;
    for (first, last, kind) in [
        ("0.0.0.0", "0.255.255.255", Unspecified),
        ("10.0.0.0", "10.255.255.255", Private),
        ("100.64.0.0", "100.127.255.255", SharedCarrier),
        ("127.0.0.0", "127.255.255.255", Loopback),
        ("169.254.0.0", "169.254.255.255", LinkLocal),
        ("172.16.0.0", "172.31.255.255", Private),
        ("192.0.0.0", "192.0.0.255", Reserved),
        ("192.0.2.0", "192.0.2.255", Documentation),
        ("192.88.99.0", "192.88.99.255", Reserved),
        ("192.168.0.0", "192.168.255.255", Private),
        ("198.18.0.0", "198.19.255.255", Benchmark),
        ("198.51.100.0", "198.51.100.255", Documentation),
        ("203.0.113.0", "203.0.113.255", Documentation),
        ("224.0.0.0", "239.255.255.255", Multicast),
        ("240.0.0.0", "255.255.255.255", Reserved),
        ("::", "::", Unspecified),
        ("::1", "::1", Loopback),
        ("::2", "::ffff:ffff", Transition),
        ("::1:0:0:0", "63:ffff::", Reserved),
        (
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            Transition,
        ),
        ("100::", "1fff:ffff:ffff:ffff::1", Reserved),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Transition),
        ("2001:2::", "2001:2:0:ffff::", Benchmark),
        (
            "2001:1::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            Reserved,
        ),
        ("2001:db8::", "2001:db8:ffff:ffff::", Documentation),
        ("2002::", "2002:ffff:ffff::", Transition),
        ("3fff::", "3fff:fff:ffff::", Documentation),
        ("4000::", "fbff:ffff::", Reserved),
        ("fc00::", "fdff:ffff::", UniqueLocal),
        ("fe80::", "febf:ffff::", LinkLocal),
        ("fec0::", "feff:ffff::", Reserved),
        ("ff00::", "ffff:ffff::", Multicast),
    ] {
        for address in [first, last] {
            let refused = refusal(&PermittedNetworks::default(), address);
            assert_eq!(refused, Some(kind), "{address}");
        }
    }
}

#[test]
fn addresses_beside_those_networks_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7::",
        "2001:db9::",
        "2003::",
        "2606:4700:4700::1111",
        "3ffe:ffff::",
        "3fff:1000::",
    ] {
        assert_eq!(
            refusal(&PermittedNetworks::default(), address),
            None,
            "{address}"
        );
    }
}

#[test]
fn ipv4_within_ipv6_is_judged_as_what_it_leads_to() {
    use NetworkKind::*;
    let none = PermittedNetworks::default();
    for (address, kind) in [
        ("::ffff:127.0.0.1", Some(Loopback)),
        ("::ffff:10.1.2.3", Some(Private)),
        ("::ffff:169.254.169.254", Some(CloudMetadata)),
        ("::ffff:8.8.8.8", None),
        ("64:ff9b::127.0.0.1", Some(Loopback)),
        ("64:ff9b::192.168.0.1", Some(Private)),
        ("64:ff9b::8.8.8.8", None),
        ("::8.8.8.8", Some(Transition)),
        ("2002:808:808::", Some(Transition)),
    ] {
        assert_eq!(refusal(&none, address), kind, "{address}");
    }
    let permitted = permitting("10.1.0.0/16");
    assert_eq!(refusal(&permitted, "::ffff:10.1.2.3"), None);
    assert_eq!(refusal(&permitted, "::ffff:10.2.2.3"), Some(Private));
}

#[test]
fn an_operator_permits_private_networks_and_nothing_beside_them() {
    let networks = permitting(" 10.1.0.0/16, 192.168.7.7 ,fd12::/16,");
    for address in [
        "10.1.0.0",
        "10.1.255.255",
        "192.168.7.7",
        "fd12::1",
        "8.8.8.8",
    ] {
        assert_eq!(refusal(&networks, address), None, "{address}");
    }
    for address in ["10.2.0.0", "192.168.7.8", "127.0.0.1", "fd13::1", "::1"] {
        assert!(refusal(&networks, address).is_some(), "{address}");
    }
}

#[test]
fn metadata_of_clouds_and_what_no_receiver_has_stays_refused_whatever_is_permitted() {
    let all = permitting("0.0.0.0/0,::/0");
    for address in ["10.0.0.1", "127.0.0.1", "100.64.0.1", "fd12::1", "::1"] {
        assert_eq!(refusal(&all, address), None, "{address}");
    }
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "64:ff9b::168.63.129.16",
    ] {
        assert_eq!(
            refusal(&all, address),
            Some(NetworkKind::CloudMetadata),
            "{address}"
        );
    }
    for address in [
        "0.0.0.0",
        "169.254.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
    ] {
        assert!(refusal(&all, address).is_some(), "{address}");
    }
}

#[test]
fn what_is_no_list_of_networks_is_refused_with_what_to_write() {
    assert_eq!("".parse(), Ok(PermittedNetworks::default()));
    for (text, reason) in [
        (
            "10.0.0.0/8,intranet",
            "\"intranet\" is neither an address nor a network such as 10.1.0.0/16 or fd12::/16",
        ),
        (
            "10.0.0.0/33",
            "\"10.0.0.0/33\" is neither an address nor a network such as 10.1.0.0/16 or fd12::/16",
        ),
        (
            "10.1.2.3/8",
            "10.1.2.3/8 is no network: write 10.0.0.0/8, or the address alone",
        ),
    ] {
        let error = text.parse::<PermittedNetworks>().unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
}

proptest! {
    #[test]
    fn what_the_standard_library_knows_as_special_is_refused_in_every_form(bits in any::<u32>()) {
        let address = Ipv4Addr::from_bits(bits);
        let special = address.is_private() || address.is_loopback() || address.is_link_local()
            || address.is_multicast() || address.is_broadcast() || address.is_documentation()
            || address.is_unspecified();
        let none = PermittedNetworks::default();
        let refused = none.check(address.into()).is_err();
        prop_assert!(refused || !special);
        let [a, b] = [(bits >> 16) as u16, bits as u16];
        for embedding in [
            address.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
        ] {
            prop_assert_eq!(none.check(embedding.into()).is_err(), refused, "{}", embedding);
        }
    }

    #[test]
    fn of_ipv6_only_global_unicast_and_embedded_public_addresses_are_public(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        let none = PermittedNetworks::default();
        if none.check(address.into()).is_ok() {
            prop_assert_eq!(address.segments()[0] >> 13, 1);
        }
        prop_assert!(!address.is_unique_local() || none.check(address.into()).is_err());
    }
}
