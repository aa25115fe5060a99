//! What capabilities mean once they are right.

use serde_json::json;

use super::example::CAPABILITIES;
use super::support::grants;
use super::{BASE, config, config_with, directory, parse_in};
use crate::config::{LoadError, load, load_with};
use crate::core::{FileGrant, FileMode, GrantMode, Grants, KvAccess, TopicPattern};

#[test]
fn nothing_is_granted_but_clocks_and_random_bytes() {
    assert_eq!(*config(BASE).components["a"].grants, Grants::default());
    assert_eq!(grants(""), Grants::default());
    let grants = grants("clocks = false\nrandom = false\nmode = \"audit\"");
    assert_eq!(
        (grants.clocks, grants.random, grants.mode),
        (false, false, GrantMode::Audit)
    );
}

#[test]
fn values_are_texts_variables_or_files_without_the_space_at_their_end() {
    let directory = directory();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("spaced", " two\nlines \t\r\n\n");
    write("largest", &"x".repeat(64 << 10));
    let text = format!(
        "{BASE}[component.a.capabilities]\n{}\n",
        "environment = { A = \" a \", B = { env = \"TOKEN\" }, C = { env = \"EMPTY\" } }\n\
         config = { key = { file = \"token\" }, spaced = { file = \"spaced\" }, largest = { file = \"largest\" } }",
    );
    let config = parse_in(directory.path(), &text).unwrap().0;
    let grants = &config.components["a"].grants;
    let environment = ["A", "B", "C"].map(|name| grants.environment[name].expose());
    assert_eq!(environment, [" a ", "from-the-environment", ""]);
    let config = ["key", "spaced"].map(|key| grants.config[key].expose());
    assert_eq!(config, ["secret", " two\nlines"]);
    assert_eq!(grants.config["largest"].expose().len(), 64 << 10);
}

#[test]
fn directories_are_absolute() {
    let directory = directory();
    let text = format!(
        "{BASE}[component.a.capabilities]\nfiles = [{{ source = \"./data\", at = \"/\", mode = \"read-write\" }}]\n"
    );
    let config = parse_in(directory.path(), &text).unwrap().0;
    let expected = FileGrant {
        source: std::path::absolute(directory.path()).unwrap().join("data"),
        at: "/".into(),
        mode: FileMode::ReadWrite,
    };
    assert_eq!(config.components["a"].grants.files, [expected]);
}

#[test]
fn custom_grants_are_passed_on_as_json() {
    let grants = grants(
        "custom = { mail = { to = [\"a\", 0x10, -2, 1_0.5, true], since = 2026-01-02T03:04:05Z, more = {} } }",
    );
    assert_eq!(
        grants.custom["mail"],
        json!({
            "to": ["a", 16, -2, 10.5, true],
            "since": "2026-01-02T03:04:05Z",
            "more": {},
        })
    );
}

#[test]
fn a_plain_program_provides_no_custom_capabilities() {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    let text = format!("{BASE}[component.a.capabilities]\ncustom = {{ mail = 1 }}\n");
    std::fs::write(&file, text).unwrap();
    let Err(LoadError::Invalid(errors)) = load(&file) else {
        panic!("taken");
    };
    let help = errors.iter().next().unwrap().help.as_deref();
    assert_eq!(help, Some("this program provides none"));
    let (config, _) = load_with(&file, &["mail"]).unwrap();
    assert_eq!(config.components["a"].grants.custom["mail"], json!(1));
}

#[test]
fn a_component_that_another_calls_is_not_idle() {
    let directory = directory();
    let text = format!(
        "{BASE}[component.a.capabilities]\ncomponents = [\"b\"]\n[component.b]\nsource = \"b.wasm\"\n"
    );
    let (config, warnings) = parse_in(directory.path(), &text).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(
        config.components["a"].grants.components,
        ["b".parse().unwrap()]
    );
}

#[test]
fn files_with_values_are_known_to_who_watches() {
    let directory = directory();
    let base = std::path::absolute(directory.path()).unwrap();
    let text = format!(
        "{BASE}[admin]\ntoken = {{ file = \"tls.key\" }}\n[outbound]\nca = \"tls.crt\"\n\
         [component.a.capabilities]\nconfig = {{ a = {{ file = \"./token\" }}, b = {{ env = \"TOKEN\" }} }}\n\
         environment = {{ A = {{ file = \"token\" }}, B = {{ file = \"a.wasm\" }} }}\n"
    );
    let config = parse_in(directory.path(), &text).unwrap().0;
    let expected = ["a.wasm", "tls.crt", "tls.key", "token"].map(|name| base.join(name));
    assert_eq!(config.watched, expected);
    assert_eq!(config_with("").watched, Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_example_of_capabilities_is_valid_and_without_warnings() {
    let directory = directory();
    let (config, warnings) =
        parse_in(directory.path(), CAPABILITIES).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(warnings.is_empty(), "{warnings}");
    let grants = &config.components["cart"].grants;
    assert_eq!((grants.http.len(), grants.sockets.len()), (3, 2));
    assert_eq!(grants.keyvalue["default"], KvAccess::ReadWrite);
    let topics = [&grants.publish, &grants.request]
        .map(|all| all.iter().map(TopicPattern::as_str).collect::<Vec<_>>());
    assert_eq!(
        topics,
        [vec!["orders.created", "audit.>"], vec!["stock.reserve"]]
    );
    assert_eq!(grants.files[0].mode, FileMode::Read);
    assert_ne!(config.outbound, crate::core::Outbound::default());
}

#[test]
fn the_example_of_capabilities_has_every_key() {
    let example: serde_json::Value = toml::from_str(CAPABILITIES).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&crate::config::schema()).unwrap();
    let keys = |table: &serde_json::Value| -> Vec<String> {
        table.as_object().unwrap().keys().cloned().collect()
    };
    let component = &schema["properties"]["component"]["additionalProperties"]["properties"];
    assert_eq!(
        keys(&example["component"]["cart"]["capabilities"]),
        keys(&component["capabilities"]["properties"])
    );
    assert_eq!(
        keys(&example["outbound"]),
        keys(&schema["properties"]["outbound"]["properties"])
    );
}
