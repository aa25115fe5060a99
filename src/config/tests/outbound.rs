//! `[outbound]`: what it means, and what an operator reads about it.

use std::time::Duration;

use super::{BASE, assert_adds, config, directory, parse_in};
use crate::core::Outbound;

#[test]
fn a_short_file_gets_the_defaults() {
    assert_eq!(config(BASE).outbound, Outbound::default());
}

#[test]
fn all_of_it_can_be_set() {
    let directory = directory();
    let text = format!(
        "{BASE}[outbound]\nconnect_timeout = \"1s\"\nfirst_byte_timeout = \"2s\"\n\
         between_bytes_timeout = \"3s\"\nparallel = 1000\nca = \"tls.crt\"\nnameservers = [\"192.0.2.53:53\"]\n"
    );
    let outbound = parse_in(directory.path(), &text).unwrap().0.outbound;
    let expected = Outbound {
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(2),
        between_bytes_timeout: Duration::from_secs(3),
        parallel: 1_000,
        ca: Some(
            std::path::absolute(directory.path())
                .unwrap()
                .join("tls.crt"),
        ),
        nameservers: vec!["192.0.2.53:53".parse().unwrap()],
    };
    assert_eq!(outbound, expected);
}

#[test]
fn what_cannot_be_is_told() {
    for (setting, message) in [
        (
            "parallel = 0",
            "parallel: expected a whole number from 1 to 4294967295, found the number 0",
        ),
        (
            "parallel = 1001",
            "parallel: 1001 is more than the most that works, 1000",
        ),
        (
            "connect_timeout = \"0s\"",
            "connect_timeout: \"0s\" leaves no time at all",
        ),
        ("ca = \"none.pem\"", "ca: none.pem does not exist"),
        ("ca = \"public\"", "ca: public is a directory"),
        (
            "nameservers = [\"192.0.2.53\"]",
            "nameservers[0]: \"192.0.2.53\" is not an address with a port",
        ),
        (
            "nameservers = [\"192.0.2.53:0\"]",
            "nameservers[0]: nobody answers on port 0",
        ),
    ] {
        assert_adds(
            &format!("[outbound]\n{setting}"),
            &[&format!("outbound.{message}")],
        );
    }
}
