//! What an operator reads about `http` and `sockets`.

use super::support::{assert_grants, grants};
use crate::core::{HttpGrant, SocketGrant};

#[test]
fn what_is_no_grant_says_what_would_be() {
    for (text, message) in [
        (
            "api.example.com",
            "a grant starts with its scheme: http:// or https://",
        ),
        (
            "tcp://a.b:1",
            "the scheme \"tcp\" is not granted here: http:// or https://",
        ),
        (
            "https://a.example.com/v1",
            "a grant ends after host and port",
        ),
        ("https://me@a.example.com", "a grant names no user"),
        (
            "https://10.0.0.0/8",
            "a network such as \"10.0.0.0/8\" can be granted to sockets only",
        ),
        (
            "https://a.example.com:0",
            "\"0\" is not a port from 1 to 65535, or * for any",
        ),
        (
            "https://a_b*",
            "\"a_b*\" is not a host name, an address or a pattern such as *.example.com",
        ),
    ] {
        let expected = format!("component.a.capabilities.http[0]: {message}");
        assert_grants(&format!("http = [{text:?}]"), &[&expected]);
    }
    assert_grants(
        "sockets = [\"tcp://db.example.com\", \"https://a.b:1\"]",
        &[
            "component.a.capabilities.sockets[0]: a socket grant needs a port: add :5432, or :* for any",
            "component.a.capabilities.sockets[1]: the scheme \"https\" is not granted here: tcp:// or udp://",
        ],
    );
}

#[test]
fn private_addresses_are_granted_only_with_private_networks() {
    for (text, why) in [
        ("http://localhost:8080", "localhost is this machine"),
        ("http://api.localhost", "api.localhost is this machine"),
        ("http://*.localhost", "*.localhost is this machine"),
        ("http://127.0.0.1", "127.0.0.1 is not a public address"),
        (
            "http://169.254.169.254",
            "169.254.169.254 is not a public address",
        ),
        (
            "https://[fd00::1]:8443",
            "[fd00::1] is not a public address",
        ),
    ] {
        let expected = format!("component.a.capabilities.http[0]: {text} can never match: {why}");
        assert_grants(&format!("http = [{text:?}]"), &[&expected]);
        assert_grants(&format!("http = [{text:?}]\nprivate_networks = true"), &[]);
    }
    assert_grants(
        "sockets = [\"tcp://192.168.0.0/16:*\", \"tcp://[::ffff:10.0.0.0/104]:1\", \"udp://0.0.0.0/0:53\"]",
        &[
            "component.a.capabilities.sockets[0]: tcp://192.168.0.0/16:* can never match: \
             192.168.0.0/16 has no public address",
            "component.a.capabilities.sockets[1]: tcp://10.0.0.0/8:1 can never match: \
             10.0.0.0/8 has no public address",
        ],
    );
    // What was meant by private_networks is not known.
    assert_grants(
        "http = [\"http://10.0.0.1\"]\nprivate_networks = 1",
        &["component.a.capabilities.private_networks: expected true or false, found the number 1"],
    );
}

#[test]
fn private_networks_are_neither_useless_nor_all_there_is() {
    assert_grants(
        "private_networks = true",
        &["warning: component.a.capabilities.private_networks: \
           private_networks has no effect without `http` or `sockets`"],
    );
    assert_grants("private_networks = false", &[]);
    assert_grants("http = [\"https://*\"]", &[]);
    assert_grants(
        "http = [\"https://*\"]\nsockets = [\"tcp://0.0.0.0/0:1\"]\nprivate_networks = true",
        &[
            "warning: component.a.capabilities.http[0]: https://* may reach everything, also inside",
            "warning: component.a.capabilities.sockets[0]: tcp://0.0.0.0/0:1 may reach everything, also inside",
        ],
    );
}

#[test]
fn a_grant_that_another_covers_is_told() {
    assert_grants(
        "http = [\"https://A.example.com\",\n\"https://a.example.com:443\"]",
        &[
            "warning: component.a.capabilities.http[1]: https://a.example.com is there twice, first on line 7",
        ],
    );
    for (narrow, wide) in [
        ("https://a.example.com", "https://*.example.com"),
        ("https://a.b.example.com", "https://*.example.com"),
        ("https://*.b.example.com", "https://*.example.com"),
        ("https://a.example.com", "https://*:*"),
        ("https://8.8.8.8", "https://*"),
        ("https://a.example.com:8443", "https://a.example.com:*"),
        ("https://a.example.com:8443", "https://*.com:*"),
    ] {
        let expected = format!(
            "warning: component.a.capabilities.http[0]: {narrow} is covered by {wide} on line 8"
        );
        assert_grants(&format!("http = [{narrow:?},\n{wide:?}]"), &[&expected]);
    }
    for (narrow, wide) in [
        ("tcp://8.8.8.8:53", "tcp://8.8.0.0/16:53"),
        ("tcp://8.8.8.0/24:53", "tcp://8.8.0.0/16:*"),
        ("tcp://[2600::1]:53", "tcp://[2600::/16]:53"),
    ] {
        let expected = format!(
            "warning: component.a.capabilities.sockets[1]: {narrow} is covered by {wide} on line 7"
        );
        assert_grants(&format!("sockets = [{wide:?},\n{narrow:?}]"), &[&expected]);
    }
}

#[test]
fn grants_beside_each_other_are_not_told() {
    assert_grants(
        "http = [\"https://a.example.com\", \"http://a.example.com\", \"https://a.example.com:8443\", \
         \"https://example.com\", \"https://*.a.example.com\", \"https://ba.example.com:*\"]\n\
         sockets = [\"tcp://8.8.8.8:53\", \"udp://8.8.8.8:53\", \"tcp://8.8.4.0/24:53\"]",
        &[],
    );
}

#[test]
fn many_grants_are_looked_through_quickly() {
    let list: Vec<_> = (0..20_000)
        .map(|n| format!("\"https://h{n}.example.com\""))
        .collect();
    let all = format!("http = [{}]", list.join(", "));
    assert_grants(&all, &[]);
}

#[test]
fn grants_are_as_written() {
    let grants = grants(
        "http = [\"https://*.Example.com.:8443\"]\nsockets = [\"tcp://10.1.2.3/8:*\"]\nprivate_networks = true",
    );
    let http: HttpGrant = "https://*.example.com:8443".parse().unwrap();
    let socket: SocketGrant = "tcp://10.0.0.0/8:*".parse().unwrap();
    assert_eq!(
        (&grants.http[..], &grants.sockets[..]),
        (&[http][..], &[socket][..])
    );
    assert!(grants.private_networks);
}
