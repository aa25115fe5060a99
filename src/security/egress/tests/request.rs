//! Which grant covers a request.

use super::support::{LOOPBACK, egress, https, request};
use crate::core::HttpScheme;
use crate::security::egress::DenialReason::{AdminListener, NotAHost, NotGranted, PrivateAddress};

#[test]
fn what_is_not_granted_is_denied() {
    assert_eq!(
        https(&egress(&[], &[], true), "example.com"),
        Err(NotGranted)
    );
}

#[test]
fn a_grant_covers_its_scheme_host_and_port() {
    let egress = egress(&["https://example.com"], &[], false);
    assert_eq!(
        https(&egress, "example.com").unwrap(),
        "https://example.com"
    );
    assert_eq!(request(&egress, "example.com", 8443), Err(NotGranted));
    assert_eq!(https(&egress, "www.example.com"), Err(NotGranted));
    assert_eq!(https(&egress, "example.org"), Err(NotGranted));
    assert!(
        egress
            .request(HttpScheme::Http, "example.com", 443)
            .is_err()
    );
}

#[test]
fn a_port_or_every_port() {
    let egress = egress(&["https://a.test:8443", "https://b.test:*"], &[], false);
    assert_eq!(https(&egress, "a.test"), Err(NotGranted));
    assert!(request(&egress, "a.test", 8443).is_ok());
    assert!(request(&egress, "b.test", 1).is_ok());
}

#[test]
fn case_and_a_dot_at_the_end_make_no_difference() {
    let egress = egress(
        &["https://example.com", "https://*.example.org"],
        &[],
        false,
    );
    for host in [
        "EXAMPLE.com",
        "example.com.",
        "Example.Com.",
        "A.EXAMPLE.ORG.",
    ] {
        assert!(https(&egress, host).is_ok(), "{host}");
    }
    assert_eq!(https(&egress, "example.com.."), Err(NotAHost));
}

#[test]
fn a_pattern_covers_every_depth_below_it_and_nothing_else() {
    let egress = egress(&["https://*.example.com"], &[], false);
    for host in ["a.example.com", "a.b.example.com", "a.example.com."] {
        assert!(https(&egress, host).is_ok(), "{host}");
    }
    for host in [
        "example.com",
        "xexample.com",
        "example.com.evil.test",
        "com",
    ] {
        assert_eq!(https(&egress, host), Err(NotGranted), "{host}");
    }
    assert_eq!(https(&egress, ".example.com"), Err(NotAHost));
}

#[test]
fn the_first_grant_that_covers_is_the_answer() {
    let egress = egress(&["https://*", "https://example.com"], &[], false);
    assert_eq!(https(&egress, "example.com").unwrap(), "https://*");
}

#[test]
fn an_address_is_covered_by_its_own_grant_in_every_spelling() {
    let egress = egress(
        &["https://1.1.1.1", "https://[2606:4700::1111]"],
        &[],
        false,
    );
    for host in [
        "1.1.1.1",
        "1.1.1.1.",
        "[::ffff:1.1.1.1]",
        "[::FFFF:101:101]",
        "[2606:4700::1111]",
        "[2606:4700:0:0::1111]",
    ] {
        assert!(https(&egress, host).is_ok(), "{host}");
    }
    assert_eq!(https(&egress, "1.1.1.2"), Err(NotGranted));
    assert_eq!(https(&egress, "1.1.257"), Err(NotAHost));
}

#[test]
fn no_spelling_of_loopback_is_reached_by_a_grant_for_everything() {
    let egress = egress(&["https://*:*"], &[], false);
    for host in LOOPBACK {
        let denied = https(&egress, host).unwrap_err();
        assert!(
            [NotAHost, PrivateAddress].contains(&denied),
            "{host}: {denied}"
        );
    }
}

#[test]
fn an_address_in_disguise_is_no_host_even_with_private_networks() {
    let egress = egress(&["https://*:*"], &[], true);
    for host in LOOPBACK {
        let is_plain =
            host.starts_with('[') || ["127.0.0.1", "0.0.0.0"].contains(&host.trim_end_matches('.'));
        assert_eq!(https(&egress, host).is_ok(), is_plain, "{host}");
    }
}

#[test]
fn a_private_address_needs_its_grant_and_private_networks() {
    for (private_networks, expected) in [(false, Err(PrivateAddress)), (true, Ok(()))] {
        let egress = egress(&["https://10.0.0.5"], &[], private_networks);
        assert_eq!(https(&egress, "10.0.0.5").map(drop), expected);
        assert_eq!(https(&egress, "10.0.0.6").map(drop), Err(NotGranted));
    }
}

#[test]
fn what_is_no_host_is_covered_by_nothing() {
    let egress = egress(&["https://*:*"], &[], true);
    let long = format!("{}.test", "a".repeat(64));
    let longer = format!("{}test", "abcdefgh.".repeat(30));
    for host in [
        "",
        ".",
        "..",
        "a..b",
        "[]",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "fe80::1%eth0",
        "user@example.com",
        "example.com:80",
        "exa mple.com",
        "ex\u{e4}mple.com",
        "example.com\0",
        "a%2eb.test",
        "-a.test",
        "a-.test",
        "１２７.0.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "example.1",
        "example.0x1",
        "example.0x",
        "[v1.fe80::a]",
        &long,
        &longer,
    ] {
        assert_eq!(https(&egress, host), Err(NotAHost), "{host}");
    }
}

#[test]
fn the_admin_listener_is_refused_before_anything_else_is_asked() {
    for private_networks in [false, true] {
        for grants in [&[][..], &["https://*:*"], &["https://127.0.0.1:9901"]] {
            let egress = egress(grants, &[], private_networks);
            for host in [
                "127.0.0.1",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "0.0.0.0",
                "127.9.9.9",
            ] {
                assert_eq!(request(&egress, host, 9901), Err(AdminListener), "{host}");
                let address = format!("{host}:9901").parse().unwrap();
                let denied = egress.address(address).unwrap_err();
                assert!(denied.reason.is_absolute(), "{host}");
            }
        }
    }
}

#[test]
fn a_resolved_address_is_public_unless_private_networks_are_granted() {
    let [public, private] = [false, true].map(|private| egress(&["https://*"], &[], private));
    for address in [
        "127.0.0.1:80",
        "10.0.0.1:80",
        "169.254.169.254:80",
        "168.63.129.16:80",
        "[::1]:80",
        "0.0.0.0:80",
        "[::ffff:10.0.0.1]:80",
        "[64:ff9b::a00:1]:80",
        "[fd00::1]:80",
        "[fe80::1]:80",
    ] {
        let address = address.parse().unwrap();
        assert_eq!(public.address(address).unwrap_err().reason, PrivateAddress);
        assert_eq!(private.address(address), Ok(()));
    }
    assert_eq!(public.address("1.1.1.1:80".parse().unwrap()), Ok(()));
    assert_eq!(
        public.address("[::ffff:1.1.1.1]:80".parse().unwrap()),
        Ok(())
    );
}

#[test]
fn a_denial_says_what_and_why_and_no_more() {
    let egress = egress(&[], &[], false);
    let denied = egress
        .request(HttpScheme::Http, "Shop.test", 8080)
        .unwrap_err();
    assert_eq!(
        denied.to_string(),
        "http to http://Shop.test:8080: no grant covers it"
    );
    let host = format!("\u{1b}[31m{}", "a".repeat(1000));
    let denied = egress.request(HttpScheme::Http, &host, 80).unwrap_err();
    assert!(denied.target.len() <= 256, "{}", denied.target);
    assert!(denied.target.starts_with(r"http://\u{1b}[31maaa"));
}
