//! What the keys of delivery mean once they are right.

use std::time::Duration;

use super::example::DELIVERY;
use super::support::PUBLIC_KEY;
use super::{BASE, config, config_with, directory, parse_in};
use crate::config::Mirror;
use crate::core::{
    Affinity, ArtifactPolicy, ByteSize, HttpCheck, OnInconclusive, Role, RolloutPolicy, Source,
    Strategy,
};

#[test]
fn without_any_of_it_all_is_at_its_default() {
    let config = config(BASE);
    assert_eq!(config.security, ArtifactPolicy::default());
    assert_eq!(config.keep_versions, 5);
    assert!(config.admin.tokens.is_empty() && config.admin.hosts.is_empty());
    assert!(!config.admin.allow_version_override);
    let component = &config.components["a"];
    assert_eq!(
        (&component.affinity, &component.rollout),
        (&None, &RolloutPolicy::default())
    );
    assert_eq!(component.versions[0].signature, None);
    assert_eq!(config.routes[0].mirror, None);
}

#[test]
fn every_key_is_taken_and_nothing_is_amiss() {
    let directory = directory();
    let (config, warnings) =
        parse_in(directory.path(), DELIVERY).unwrap_or_else(|it| panic!("{it}"));
    assert!(warnings.is_empty(), "{warnings}");
    let security = &config.security;
    assert!(security.require_digest && security.require_signature);
    let keys: Vec<_> = security
        .trusted_keys
        .iter()
        .map(ToString::to_string)
        .collect();
    let in_file = PUBLIC_KEY.lines().nth(1).unwrap();
    assert_eq!(
        keys,
        [
            "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
            "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            in_file
        ]
    );
    assert_eq!(
        (security.compile_timeout, security.compile_memory),
        (Duration::from_secs(120), ByteSize(1 << 30))
    );
    assert_eq!(config.keep_versions, 12);
}

#[test]
fn tokens_have_their_roles_and_their_texts() {
    let directory = directory();
    let admin = parse_in(directory.path(), DELIVERY).unwrap().0.admin;
    let tokens: Vec<_> = admin
        .tokens
        .iter()
        .map(|named| (named.name.as_str(), named.role, named.token.expose()))
        .collect();
    assert_eq!(
        tokens,
        [
            ("ci", Role::Deploy, "from-the-environment"),
            ("dashboard@example.com", Role::Read, "secret"),
        ]
    );
    assert_eq!(
        admin.hosts,
        ["admin.example.com", "gateway.example.com", "[2001:db8::1]"]
    );
    assert!(admin.allow_version_override);
    let printed = format!("{admin:?}");
    assert!(
        !printed.contains("secret") && !printed.contains("environment"),
        "{printed}"
    );
}

#[test]
fn versions_know_their_sources_and_signatures() {
    let directory = directory();
    let config = parse_in(directory.path(), DELIVERY).unwrap().0;
    let base = std::path::absolute(directory.path()).unwrap();
    let cart = &config.components["cart"].versions;
    assert_eq!(cart[0].source, Source::Path(base.join("a.wasm")));
    assert_eq!(cart[0].signature, Some(base.join("a.minisig")));
    let url = "https://downloads.example.com:8443/cart-1.5.0.wasm";
    assert_eq!(cart[1].source, Source::Https(url.into()));
    assert_eq!(cart[1].signature, None);
    let stock = &config.components["stock"].versions[0];
    assert_eq!(
        stock.source,
        Source::Oci("localhost:5000/shop/stock:1".into())
    );
}

#[test]
fn other_files_that_are_read_are_watched_and_nothing_else_is() {
    let directory = directory();
    let base = std::path::absolute(directory.path()).unwrap();
    let config = parse_in(directory.path(), DELIVERY).unwrap().0;
    assert_eq!(config.watched, [base.join("ci.pub"), base.join("token")]);
}

#[test]
fn a_rollout_has_all_that_was_written() {
    let directory = directory();
    let config = parse_in(directory.path(), DELIVERY).unwrap().0;
    let expected = RolloutPolicy {
        strategy: Strategy::Canary,
        steps: vec![5, 25, 50],
        interval: Duration::from_secs(30),
        min_requests: 100,
        max_error_rate: 0.02,
        max_p99_ratio: Some(1.3),
        on_inconclusive: OnInconclusive::Rollback,
        check: Some(HttpCheck {
            url: "http://127.0.0.1:9000/healthy".into(),
            timeout: Duration::from_secs(2),
        }),
    };
    assert_eq!(config.components["cart"].rollout, expected);
    let mirror = Mirror {
        component: "cart-next".parse().unwrap(),
        percent: 10,
    };
    assert_eq!(config.routes[0].mirror, Some(mirror));
}

#[test]
fn a_strategy_alone_brings_its_steps() {
    let rollout = |keys: &str| {
        let config = config_with(&format!("[component.a.rollout]\n{keys}"));
        config.components["a"].rollout.clone()
    };
    for (strategy, steps) in [
        ("canary", &[5, 25, 50][..]),
        ("rolling", &[20, 40, 60, 80]),
        ("blue-green", &[]),
        ("immediate", &[]),
    ] {
        let rollout = rollout(&format!("strategy = {strategy:?}"));
        assert_eq!(rollout.steps, steps, "{strategy}");
    }
    let whole = rollout("strategy = \"canary\"\nmax_error_rate = 1\nmax_p99_ratio = 2");
    assert_eq!(
        (whole.max_error_rate, whole.max_p99_ratio),
        (1.0, Some(2.0))
    );
    let check = rollout("strategy = \"canary\"\ncheck = { url = \"https://a/\" }").check;
    assert_eq!(check.unwrap().timeout, Duration::from_secs(5));
}

#[test]
fn a_client_is_known_by_header_cookie_or_address() {
    let directory = directory();
    let config = parse_in(directory.path(), DELIVERY).unwrap().0;
    let affinity = |name: &str| config.components[name].affinity.clone().unwrap();
    assert_eq!(
        affinity("cart"),
        Affinity::Header("x-user-id".parse().unwrap())
    );
    assert_eq!(affinity("cart-next"), Affinity::Cookie("session".into()));
    assert_eq!(affinity("stock"), Affinity::ClientIp);
}
