//! The `routes.toml` of the repository, and what the README shows.

use super::parse_in;
use crate::core::{StoreSpec, SubscriptionSpec};

pub(super) const EXAMPLE: &str = include_str!("../../../routes.toml");
/// Every key of `capabilities` and of `outbound`.
pub(super) const CAPABILITIES: &str = include_str!("capabilities.toml");
/// Every key of stores, bus, subscriptions, supervision and actors.
pub(super) const BUS: &str = include_str!("bus.toml");
/// Every key of `security`, of named tokens, of rollouts, and of what goes with them.
pub(super) const DELIVERY: &str = include_str!("delivery.toml");

/// As on a clone: every file that the example names is there.
fn clone() -> tempfile::TempDir {
    let clone = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(clone.path().join("fixtures/components")).unwrap();
    for quoted in EXAMPLE.split('"').filter(|text| text.ends_with(".wasm")) {
        std::fs::write(clone.path().join(quoted), "").unwrap();
    }
    clone
}

/// Takes the `#` away from the settings of some tables, and from their headers.
fn uncommented(is_wanted: impl Fn(&str, &str) -> bool) -> String {
    let mut table = "";
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let bare = line.strip_prefix("# ");
        let header = bare.unwrap_or(line);
        if header.starts_with('[') {
            table = header.split([' ', '#']).next().unwrap();
        }
        let setting = bare.filter(|it| it.contains(" = ") || it.starts_with('['));
        text.push_str(
            setting
                .filter(|setting| is_wanted(table, setting))
                .unwrap_or(line),
        );
        text.push('\n');
    }
    text
}

#[test]
fn the_example_is_valid_and_without_warnings() {
    let clone = clone();
    let (config, warnings) =
        parse_in(clone.path(), EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(warnings.is_empty(), "{warnings}");
    assert!(config.server.tls.is_some());
    assert_eq!(config.components.len(), 11);
    assert_eq!(config.components["version"].weights, [90, 10]);
}

#[test]
fn the_first_component_of_the_readme_is_configured_as_it_says() {
    let readme = include_str!("../../../README.md");
    let (_, block) = readme.split_once("```toml\n").unwrap();
    let (text, _) = block.split_once("```").unwrap();
    let clone = tempfile::tempdir().unwrap();
    let component = clone.path().join("target/wasm32-wasip2/release/greet.wasm");
    std::fs::create_dir_all(component.parent().unwrap()).unwrap();
    std::fs::write(component, "").unwrap();
    let (config, warnings) =
        parse_in(clone.path(), text).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(config.routes[0].path.as_str(), "/greet");
}

#[test]
fn what_the_example_shows_in_comments_are_the_defaults() {
    let clone = clone();
    let others = [
        "trusted_proxies",
        "client_ca",
        "require",
        "fuel",
        "token",
        "version",
        "digest",
        "ca",
        "nameservers",
        "tokens",
        "hosts",
        "trusted_keys",
        "signature",
        "affinity",
        "max_p99_ratio",
        "check",
        "group",
    ];
    let grants = [
        "http",
        "environment",
        "config",
        "files",
        "sockets",
        "keyvalue",
        "publish",
        "request",
    ];
    let text = uncommented(|table, setting| {
        let key = setting.split(' ').next().unwrap();
        let is_apart = table.starts_with("[[") || table.starts_with("[storage");
        !is_apart && !others.contains(&key) && !grants.contains(&key)
    });
    let shown = parse_in(clone.path(), &text)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .0;
    assert_ne!(text, EXAMPLE);
    assert_eq!(shown, parse_in(clone.path(), EXAMPLE).unwrap().0);
}

#[test]
fn what_the_example_shows_of_stores_and_subscriptions_are_the_defaults() {
    let clone = clone();
    let tables = ["[storage.default]", "[[component.bus.subscribe]]"];
    let text = uncommented(|table, _| tables.contains(&table));
    let config = parse_in(clone.path(), &text)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .0;
    assert_eq!(config.stores["default"], StoreSpec::default());
    let subscription = &config.components["bus"].subscriptions[0];
    let plain = SubscriptionSpec {
        group: subscription.group.clone(),
        ..SubscriptionSpec::to("orders.*".parse().unwrap())
    };
    assert_eq!(*subscription, plain);
    assert!(subscription.group.is_some());
}

#[test]
fn every_key_that_the_example_comments_out_is_known() {
    let clone = clone();
    let errors = parse_in(clone.path(), &uncommented(|_, _| true)).unwrap_err();
    for error in errors.iter() {
        let known = !error.message.contains("unknown key") && !error.message.contains("expected");
        assert!(known, "{}", errors.first_line(error));
    }
}

/// A reload may read a file of which only the front is written yet.
#[test]
fn no_cut_of_the_example_inside_a_line_is_taken() {
    let clone = clone();
    for cut in (0..EXAMPLE.len()).filter(|cut| EXAMPLE.is_char_boundary(*cut)) {
        let (front, back) = EXAMPLE.split_at(cut);
        let rest = back.lines().next().unwrap_or_default().trim_start();
        let statement_ends = rest.is_empty() || rest.starts_with('#');
        let line_begins = front.is_empty() || front.ends_with('\n');
        if !statement_ends && !line_begins {
            let taken = parse_in(clone.path(), front).is_ok();
            assert!(!taken, "taken: {:?}", front.lines().last());
        }
    }
}
