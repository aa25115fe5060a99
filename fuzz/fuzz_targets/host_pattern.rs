//! A grant is read and written alike, and covers what it names.

#![no_main]

use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::str::FromStr;

use airgate_fuzz::core::{GrantError, HostGrant, HttpGrant, PortGrant, SocketGrant};
use airgate_fuzz::egress;
use airgate_fuzz::security::{CanonicalHost, SocketVerdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(grant) = read::<HttpGrant>(text) {
        check_http(&grant);
    }
    if let Some(grant) = read::<SocketGrant>(text) {
        check_socket(&grant);
    }
});

/// What is written of a grant reads as that grant.
fn read<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = GrantError> + Display + Debug + PartialEq,
{
    let grant: T = text
        .parse()
        .inspect_err(|error: &GrantError| drop(error.to_string()))
        .ok()?;
    let written = grant.to_string();
    assert_eq!(written.parse().as_ref(), Ok(&grant), "{written}");
    Some(grant)
}

fn port(grant: PortGrant) -> u16 {
    match grant {
        PortGrant::Any => 1,
        PortGrant::One(port) => port,
    }
}

/// A host that the grant covers, and perhaps one that it does not.
fn hosts(grant: &HostGrant) -> (String, Option<String>) {
    match grant {
        HostGrant::Any => ("a.test".into(), None),
        HostGrant::Name(name) => (name.clone(), Some(format!("x{name}"))),
        HostGrant::Below(parent) => (format!("x.{parent}"), Some(parent.clone())),
        HostGrant::Address(ip) => (
            CanonicalHost::Address(*ip).to_string(),
            Some("a.test".into()),
        ),
        HostGrant::Network(network) => {
            let first = CanonicalHost::Address(network.network().to_canonical());
            (first.to_string(), Some("a.test".into()))
        }
    }
}

fn check_http(grant: &HttpGrant) {
    let egress = egress(std::slice::from_ref(grant), &[], true);
    let (covered, other) = hosts(&grant.host);
    let passes = |host: &str| egress.request(grant.scheme, host, port(grant.port)).is_ok();
    let is_admin = covered.starts_with(['0', '1', '[']) && port(grant.port) == 9901;
    // A name of 253 characters has none below it.
    assert!(
        passes(&covered) || is_admin || covered.len() > 253,
        "{covered}"
    );
    assert!(passes(&covered.to_ascii_uppercase()) == passes(&covered));
    assert!(other.is_none_or(|other| !passes(&other)));
}

fn check_socket(grant: &SocketGrant) {
    let egress = egress(&[], std::slice::from_ref(grant), true);
    let (covered, other) = hosts(&grant.host);
    match CanonicalHost::parse(&covered) {
        Some(CanonicalHost::Address(ip)) => {
            let address = SocketAddr::new(ip, port(grant.port));
            let verdict = egress.socket(grant.transport, address);
            assert!(
                verdict == SocketVerdict::Granted || address.port() == 9901,
                "{verdict:?}"
            );
        }
        Some(CanonicalHost::Name(name)) => {
            assert!(egress.lookup(&name));
            assert!(other.is_none_or(|other| !egress.lookup(&other)));
        }
        None => assert!(covered.len() > 253, "{covered}"),
    }
}
