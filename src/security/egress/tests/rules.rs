//! What holds of every host and every address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;

use super::support::{egress, https};
use crate::core::{Transport, is_global};
use crate::security::egress::{CanonicalHost, DenialReason, SocketVerdict};

fn any_address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(bits.into()));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()));
    let mapped = any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).to_ipv6_mapped().into());
    // Where most special addresses are.
    let low = any::<u32>().prop_map(|bits| Ipv6Addr::from_bits(bits.into()).into());
    prop_oneof![v4, v6, mapped, low]
}

/// Like a host, and like what an attacker makes of it.
fn any_host() -> impl Strategy<Value = String> {
    let name = "[a-zA-Z0-9_-]{0,5}(\\.[a-zA-Z0-9_-]{0,5}){0,4}";
    let numbers = "(0x|0X|0)?[0-9a-f]{1,4}(\\.(0x|0)?[0-9a-f]{1,4}){0,4}\\.?";
    let address = any_address().prop_map(|address| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    });
    prop_oneof![name, numbers, "\\PC{0,12}", address]
}

/// Whether `inet_aton`, and so most resolvers, reads the text as an IPv4 address.
fn is_read_as_an_address(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_part = |part: &str| {
        let (digits, radix) = match part.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (part, 10),
        };
        digits.chars().all(|digit| digit.is_digit(radix)) && !part.is_empty()
    };
    host.split('.').count() <= 4 && host.split('.').all(is_part)
}

proptest! {
    #[test]
    fn canonical_is_final(host in any_host()) {
        if let Some(canonical) = CanonicalHost::parse(&host) {
            let text = canonical.to_string();
            prop_assert_eq!(CanonicalHost::parse(&text), Some(canonical));
        }
    }

    #[test]
    fn without_private_networks_no_address_in_a_host_is_private(host in any_host()) {
        let egress = egress(&["https://*:*"], &[], false);
        if https(&egress, &host).is_ok() {
            let bare = host.trim_start_matches('[').trim_end_matches([']', '.']);
            if let Ok(address) = bare.parse::<IpAddr>() {
                prop_assert!(is_global(address));
            } else {
                prop_assert!(!is_read_as_an_address(&host));
            }
        }
    }

    #[test]
    fn an_address_is_judged_alike_in_both_families(bits: u32, port: u16, private: bool) {
        let egress = egress(&[], &["tcp://8.0.0.0/5:*", "tcp://127.0.0.0/8:*"], private);
        let address = Ipv4Addr::from_bits(bits);
        let plain = SocketAddr::new(address.into(), port);
        let mapped = SocketAddr::new(address.to_ipv6_mapped().into(), port);
        let reason = |address| egress.address(address).map_err(|denied| denied.reason);
        prop_assert_eq!(reason(plain), reason(mapped));
        let verdict = |address| match egress.socket(Transport::Tcp, address) {
            SocketVerdict::Denied(denied) => Err(denied.reason),
            SocketVerdict::Granted => Ok(()),
            SocketVerdict::NeedsLookup(names) => Err(names.otherwise.reason),
        };
        prop_assert_eq!(verdict(plain), verdict(mapped));
    }

    #[test]
    fn an_address_passes_as_a_host_when_it_passes_resolved(address in any_address(), private: bool) {
        let egress = egress(&["https://*:*"], &[], private);
        let host = CanonicalHost::Address(address.to_canonical()).to_string();
        let as_host = https(&egress, &host).map(drop);
        let resolved = egress.address(SocketAddr::new(address, 443)).map_err(|denied| denied.reason);
        prop_assert_eq!(as_host, resolved);
    }

    #[test]
    fn a_name_is_covered_by_its_own_grant_alone(name in "[a-z]{1,8}(\\.[a-z]{1,8}){1,3}") {
        let egress = egress(&[&format!("https://{name}")], &[], false);
        prop_assert!(https(&egress, &name.to_ascii_uppercase()).is_ok());
        prop_assert_eq!(https(&egress, &format!("x{name}")), Err(DenialReason::NotGranted));
        prop_assert_eq!(https(&egress, &format!("x.{name}")), Err(DenialReason::NotGranted));
    }
}
