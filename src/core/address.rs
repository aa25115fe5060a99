//! Which addresses are the public internet's, and which lead to machines of the house.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// What is not public in IPv4 (IANA special-purpose address registry, RFC 6890). Blocks beside
/// each other are one entry, so that a network is inside of one entry or has a public address.
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),        // this network
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // shared by the customers of a provider
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // the platform's own services, in one large cloud
    v4(169, 254, 0, 0, 16),   // link-local, and the metadata services of clouds
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 3),      // multicast, reserved, broadcast
];

/// All that is public in IPv6, but for [`SPECIAL_V6`]. Outside of it are, among others, `::`, `::1`,
/// IPv4 in `::/96`, NAT64 in `64:ff9b::/96` and `64:ff9b:1::/48`, discarding `100::/64`, segment
/// routing `5f00::/16`, private `fc00::/7`, link-local `fe80::/10`, site-local `fec0::/10` and
/// multicast `ff00::/8`.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What is not public of [`PUBLIC_V6`].
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23),     // protocol assignments: Teredo, benchmarks, ORCHID …
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x2002, 0, 16),     // 6to4: any IPv4 address inside
    v6(0x3fff, 0, 20),     // documentation
];

/// IPv4 written as IPv6: judged by what is inside.
const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);

/// The address belongs to the public internet. Everything that is not surely public is not: also
/// the few special-purpose addresses that the registry calls globally reachable.
pub fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => {
            PUBLIC_V6.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address))
        }
    }
}

/// At least one address of the network [`is_global`].
pub fn has_global(network: IpNet) -> bool {
    match network {
        IpNet::V4(network) => !SPECIAL_V4.iter().any(|block| block.contains(&network)),
        IpNet::V6(network) if network.contains(&MAPPED) => true,
        IpNet::V6(network) if MAPPED.contains(&network) => {
            let IpAddr::V4(first) = IpAddr::V6(network.network()).to_canonical() else {
                return false;
            };
            let length = network.prefix_len() - MAPPED.prefix_len();
            Ipv4Net::new(first, length).is_ok_and(|inside| has_global(inside.into()))
        }
        IpNet::V6(network) => {
            network.contains(&PUBLIC_V6)
                || (PUBLIC_V6.contains(&network)
                    && !SPECIAL_V6.iter().any(|block| block.contains(&network)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_global() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
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
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "::ffff:808:808",
            "2000::",
            "2001:200::1",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
            "3ffe:ffff::",
            "3fff:1000::",
        ] {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn special_addresses_are_not_however_they_are_written() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "0:0:0:0:0:0:0:1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "0:0:0:0:0:FFFF:A9FE:A9FE",
            "::ffff:168.63.129.16",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "1fff:ffff::",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "2001:DB8:ffff::",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff:ffff::",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_network_has_a_global_address_or_none() {
        for text in [
            "0.0.0.0/0",
            "8.8.8.0/24",
            "10.0.0.0/7",
            "100.0.0.0/8",
            "168.63.129.16/31",
            "172.0.0.0/8",
            "192.0.0.0/22",
            "192.0.0.0/8",
            "128.0.0.0/1",
            "::/0",
            "::/3",
            "::ffff:0:0/96",
            "::ffff:8.0.0.0/104",
            "2000::/3",
            "2001::/16",
            "2600::/12",
        ] {
            assert!(has_global(text.parse().unwrap()), "{text}");
        }
        for text in [
            "10.0.0.0/8",
            "10.1.2.0/24",
            "127.0.0.1/32",
            "168.63.129.16/32",
            "192.168.0.0/16",
            "224.0.0.0/3",
            "240.0.0.0/4",
            "::1/128",
            "::ffff:10.0.0.0/104",
            "64:ff9b::/96",
            "2001::/23",
            "2001:db8:1::/48",
            "2002::/16",
            "4000::/2",
            "8000::/1",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
        ] {
            assert!(!has_global(text.parse().unwrap()), "{text}");
        }
    }
}
