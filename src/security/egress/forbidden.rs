//! Where no guest may connect to, whatever it is granted: the gateway's own admin listener.
//! Whoever reaches it and has the token commands the gateway.
//!
//! It knows the addresses of this machine, not those that another one forwards to it.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use arc_swap::ArcSwap;

/// The addresses of the admin listener. Empty until they are set: its port is known only
/// once it is bound.
#[derive(Debug, Default)]
pub struct Forbidden {
    admin: ArcSwap<Vec<SocketAddr>>,
}

impl Forbidden {
    /// What the admin API listens on, with the ports that the kernel chose.
    pub fn set_admin(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        self.admin
            .store(addresses.into_iter().collect::<Vec<_>>().into());
    }

    /// Whether a TCP connection to `target` would end at the admin listener.
    pub fn forbids(&self, target: SocketAddr) -> bool {
        let admin = self.admin.load();
        // The port first: almost nothing goes to it, and the rest may ask the kernel.
        let mut listeners = admin.iter().filter(|admin| admin.port() == target.port());
        listeners.any(|listener| leads_to(target, listener.ip()))
    }
}

fn leads_to(target: SocketAddr, listener: IpAddr) -> bool {
    let (ip, listener) = (target.ip().to_canonical(), listener.to_canonical());
    ip == listener
        // The kernel turns an unspecified target into loopback.
        || ip.is_unspecified()
        || (ip.is_loopback() && listener.is_loopback())
        || (listener.is_unspecified() && is_local(target))
}

/// Only an address of this machine can be bound. Whatever else keeps it from being bound
/// says nothing, so it counts as local.
fn is_local(mut address: SocketAddr) -> bool {
    // Keeps the scope of a link-local address, without which it cannot be bound.
    address.set_ip(address.ip().to_canonical());
    address.set_port(0);
    match UdpSocket::bind(address) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::AddrNotAvailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbids(listener: &str, target: &str) -> bool {
        let forbidden = Forbidden::default();
        forbidden.set_admin([listener.parse().unwrap()]);
        forbidden.forbids(target.parse().unwrap())
    }

    #[test]
    fn nothing_is_forbidden_before_it_is_set() {
        assert!(!Forbidden::default().forbids("127.0.0.1:9901".parse().unwrap()));
    }

    #[test]
    fn the_listener_is_forbidden_in_every_spelling() {
        for target in [
            "127.0.0.1:9901",
            "127.0.0.2:9901",
            "[::1]:9901",
            "[::ffff:127.0.0.1]:9901",
            "[::ffff:7f00:1]:9901",
            "0.0.0.0:9901",
            "[::]:9901",
            "[::ffff:0.0.0.0]:9901",
        ] {
            for listener in ["127.0.0.1:9901", "[::1]:9901", "0.0.0.0:9901", "[::]:9901"] {
                assert!(forbids(listener, target), "{target} at {listener}");
            }
        }
    }

    #[test]
    fn other_ports_and_other_machines_are_not() {
        assert!(!forbids("127.0.0.1:9901", "127.0.0.1:9902"));
        assert!(!forbids("127.0.0.1:9901", "192.0.2.1:9901"));
        assert!(!forbids("192.0.2.1:9901", "127.0.0.1:9901"));
        assert!(!forbids("0.0.0.0:9901", "192.0.2.1:9901"));
        assert!(!forbids("0.0.0.0:9901", "[::ffff:192.0.2.1]:9901"));
        assert!(!forbids("[::]:9901", "[2001:db8::1]:9901"));
    }

    #[test]
    fn a_listener_on_one_address_is_forbidden_there() {
        assert!(forbids("192.0.2.1:9901", "192.0.2.1:9901"));
        assert!(forbids("192.0.2.1:9901", "[::ffff:192.0.2.1]:9901"));
        assert!(forbids("[fe80::1]:9901", "[fe80::1%1]:9901"));
    }

    #[test]
    fn a_listener_on_all_addresses_is_forbidden_on_each_of_this_machine() {
        // Every address of 127/8 is this machine's, and can be bound; 192.0.2.1 is nobody's.
        assert!(is_local("127.3.2.1:9901".parse().unwrap()));
        assert!(!is_local("192.0.2.1:9901".parse().unwrap()));
    }

    #[test]
    fn a_link_local_target_of_no_interface_counts_as_ours() {
        assert!(forbids("[::]:9901", "[fe80::1]:9901"));
    }

    #[test]
    fn setting_it_again_replaces_it() {
        let forbidden = Forbidden::default();
        let [old, new] = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().unwrap());
        forbidden.set_admin([old]);
        forbidden.set_admin([new]);
        assert_eq!(
            (forbidden.forbids(old), forbidden.forbids(new)),
            (false, true)
        );
    }
}
