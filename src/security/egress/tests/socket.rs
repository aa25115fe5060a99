//! Which connections and look-ups are granted.

use super::support::egress;
use crate::core::Transport::{Tcp, Udp};
use crate::security::egress::DenialReason::{AdminListener, NotGranted, PrivateAddress};
use crate::security::egress::{DenialReason, Egress, SocketVerdict};

/// The reason why a TCP connection is denied.
fn denied(egress: &Egress, address: &str) -> Option<DenialReason> {
    match egress.socket(Tcp, address.parse().unwrap()) {
        SocketVerdict::Denied(denied) => Some(denied.reason),
        SocketVerdict::Granted => None,
        SocketVerdict::NeedsLookup(_) => panic!("{address} needs a look-up"),
    }
}

#[test]
fn an_address_or_a_network_is_granted_by_itself() {
    let egress = egress(
        &[],
        &[
            "tcp://1.1.1.1:53",
            "tcp://8.8.0.0/16:*",
            "tcp://[2606:4700::/32]:53",
        ],
        false,
    );
    for address in [
        "1.1.1.1:53",
        "[::ffff:1.1.1.1]:53",
        "8.8.4.4:1",
        "[2606:4700::1]:53",
    ] {
        assert_eq!(denied(&egress, address), None, "{address}");
    }
    for address in ["1.1.1.1:54", "1.1.1.2:53", "8.9.0.0:1", "[2606:4701::1]:53"] {
        assert_eq!(denied(&egress, address), Some(NotGranted), "{address}");
    }
}

#[test]
fn a_transport_is_granted_by_itself() {
    let egress = egress(&[], &["udp://1.1.1.1:53"], false);
    assert_eq!(denied(&egress, "1.1.1.1:53"), Some(NotGranted));
    assert_eq!(
        egress.socket(Udp, "1.1.1.1:53".parse().unwrap()),
        SocketVerdict::Granted
    );
}

#[test]
fn private_addresses_need_private_networks_too() {
    for (private_networks, expected) in [(false, Some(PrivateAddress)), (true, None)] {
        let egress = egress(&[], &["tcp://10.0.0.0/8:5432"], private_networks);
        assert_eq!(denied(&egress, "10.1.2.3:5432"), expected);
    }
    let named = egress(&[], &["tcp://db.test:5432"], false);
    assert_eq!(denied(&named, "10.1.2.3:5432"), Some(PrivateAddress));
}

#[test]
fn the_admin_listener_is_refused_to_streams() {
    let egress = egress(&[], &["tcp://*:*", "udp://*:*"], true);
    for address in [
        "127.0.0.1:9901",
        "[::1]:9901",
        "[::ffff:127.0.0.1]:9901",
        "0.0.0.0:9901",
    ] {
        assert_eq!(denied(&egress, address), Some(AdminListener), "{address}");
    }
    assert_eq!(denied(&egress, "127.0.0.1:9902"), None);
    assert_eq!(
        egress.socket(Udp, "127.0.0.1:9901".parse().unwrap()),
        SocketVerdict::Granted
    );
}

#[test]
fn an_address_does_not_tell_its_name() {
    let grants = [
        "tcp://db.test:5432",
        "tcp://*.shard.test:5432",
        "tcp://mail.test:25",
        "udp://ns.test:5432",
    ];
    let egress = egress(&[], &grants, false);
    let SocketVerdict::NeedsLookup(names) = egress.socket(Tcp, "1.1.1.1:5432".parse().unwrap())
    else {
        panic!("it may be db.test's");
    };
    assert_eq!(names.exact().collect::<Vec<_>>(), ["db.test"]);
    assert!(names.cover("DB.test.") && names.cover("a.shard.test"));
    assert!(!names.cover("shard.test") && !names.cover("mail.test") && !names.cover("ns.test"));
    assert_eq!(
        names.otherwise.to_string(),
        "sockets to tcp://1.1.1.1:5432: no grant covers it"
    );
    assert_eq!(denied(&egress, "1.1.1.1:80"), Some(NotGranted));
}

#[test]
fn names_of_socket_grants_may_be_looked_up() {
    let egress = egress(
        &["https://web.test"],
        &[
            "tcp://db.test:5432",
            "udp://*.ns.test:53",
            "tcp://1.1.1.1:53",
        ],
        false,
    );
    for name in ["db.test", "DB.TEST.", "a.ns.test", "1.1.1.1"] {
        assert!(egress.lookup(name), "{name}");
    }
    for name in [
        "web.test",
        "ns.test",
        "other.test",
        "",
        "0x7f.1",
        "1.1.1.2",
        "[::1]",
    ] {
        assert!(!egress.lookup(name), "{name}");
    }
}

#[test]
fn a_grant_for_everything_looks_up_names_but_no_address_in_disguise() {
    let egress = egress(&[], &["tcp://*:443"], false);
    assert!(egress.lookup("anything.test") && egress.lookup("::1"));
    assert!(!egress.lookup("2130706433") && !egress.lookup("a b"));
}
