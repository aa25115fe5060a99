//! The command line: what it prints and how it ends.

use std::process::Output;

use serde_json::Value;

use crate::support::{Setup, airgate, guest};

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Runs a verb on a configuration.
fn on(text: &str, arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("routes.toml");
    std::fs::write(&file, text).unwrap();
    let mut all = arguments.to_vec();
    all.extend(["--config", file.to_str().unwrap()]);
    airgate(&all)
}

const MISTAKES: &str = "version = 1\n[server]\nlisen = []\n[[route]]\npath = \"no-slash\"\nrespond = { status = 99 }\n";

#[test]
fn check_says_ok_and_counts() {
    let checked = on(&Setup::default().guest("hello").text(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(
        out(&checked).ends_with("ok, 1 components, 1 routes\n"),
        "{checked:?}"
    );
}

#[test]
fn check_reports_every_mistake_with_its_place_and_ends_with_3() {
    for verb in ["check", "serve"] {
        let checked = on(MISTAKES, &[verb]);
        assert_eq!(checked.status.code(), Some(3), "{verb}");
        let shown = err(&checked);
        for part in [
            "routes.toml:3:1",
            "did you mean",
            "routes.toml:5:",
            "routes.toml:6:",
            "^",
        ] {
            assert!(shown.contains(part), "{verb}: no {part:?} in\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'), "colours without a terminal");
    }
}

#[test]
fn check_prints_its_findings_as_json() {
    let checked = on(MISTAKES, &["check", "--json"]);
    assert_eq!(checked.status.code(), Some(3));
    let found = json(&checked)["diagnostics"].as_array().unwrap().clone();
    assert!(found.len() >= 3, "{found:?}");
    assert_eq!(
        (&found[0]["severity"], &found[0]["line"]),
        (&"error".into(), &3.into())
    );
}

#[test]
fn check_finds_components_that_cannot_be_served() {
    let text = Setup::default().guest("core-module").text();
    let checked = on(&text, &["check"]);
    assert_eq!(checked.status.code(), Some(3));
    assert!(err(&checked).contains("core module"), "{checked:?}");
    let checked = on(&text, &["check", "--json"]);
    assert!(
        json(&checked)["components"][0]
            .as_str()
            .unwrap()
            .contains("core module")
    );
    assert_eq!(on(&text, &["check", "--file-only"]).status.code(), Some(0));
}

/// `fetch` reaches out, and can read no file.
fn fetch_with(capabilities: &str) -> String {
    let text = Setup::default().guest("fetch").text();
    format!("{text}\n[component.fetch.capabilities]\n{capabilities}\n")
}

#[test]
fn check_compares_imports_with_grants() {
    let nothing = on(&fetch_with(""), &["check"]);
    assert_eq!(nothing.status.code(), Some(0), "{nothing:?}");
    let missing = "imports wasi:http/outgoing-handler@0.2";
    assert!(
        err(&nothing).contains("warning: component.fetch"),
        "{nothing:?}"
    );
    assert!(err(&nothing).contains(missing) && err(&nothing).contains("`http` or `components`"));

    let granted = on(
        &fetch_with("http = [\"https://example.com\"]\nconfig = { a = \"b\" }"),
        &["check", "--json"],
    );
    let notes = json(&granted)["capabilities"].to_string();
    assert!(!notes.contains("outgoing-handler"), "{notes}");
    assert!(
        notes.contains("`config` is granted, but nothing it imports can use it"),
        "{notes}"
    );
}

#[test]
fn inspect_prints_grants_that_check_accepts() {
    let shown = airgate(&["inspect", guest("sockets").to_str().unwrap()]);
    let (_, paste) = out(&shown)
        .split_once("[component.NAME.capabilities]\n")
        .unwrap();
    assert!(paste.contains("sockets = ["), "{shown:?}");
    // The examples name what is not here: another component, a directory.
    let here = |line: &&str| !line.contains("components =") && !line.contains("files =");
    let grants: Vec<&str> = paste.lines().filter(here).collect();
    let text = Setup::default().guest("sockets").text();
    let text = format!(
        "{text}\n[component.sockets.capabilities]\n{}\n",
        grants.join("\n")
    );
    let checked = on(&text, &["check", "--file-only"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let json = json(&airgate(&[
        "inspect",
        "--json",
        guest("fetch").to_str().unwrap(),
    ]));
    let needs = json["capabilities"].as_object().unwrap();
    let outgoing = needs
        .iter()
        .find(|(import, _)| import.contains("outgoing-handler"));
    assert_eq!(
        outgoing.unwrap().1,
        &serde_json::json!(["http", "components"])
    );
}

#[test]
fn a_configuration_that_is_not_there_is_an_error_with_advice() {
    let checked = airgate(&["check", "--config", "/nonexistent/routes.toml"]);
    assert_eq!(checked.status.code(), Some(3));
    assert!(err(&checked).contains("--config FILE"), "{checked:?}");
}

#[test]
fn inspect_shows_digest_handler_exports_and_imports() {
    for (name, handler) in [
        ("hello", "WASI 0.2"),
        ("hello-p3", "WASI 0.3"),
        ("no-handler", "none"),
    ] {
        let shown = airgate(&["inspect", guest(name).to_str().unwrap()]);
        assert_eq!(shown.status.code(), Some(0));
        assert!(
            out(&shown).contains("sha256:") && out(&shown).contains(handler),
            "{shown:?}"
        );
    }
}

#[test]
fn inspect_prints_json() {
    let shown = json(&airgate(&[
        "inspect",
        "--json",
        guest("hello-p3").to_str().unwrap(),
    ]));
    assert!(shown["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(shown["concurrent"], true);
    let exports = shown["exports"].as_array().unwrap();
    assert!(
        exports
            .iter()
            .any(|name| name.as_str().unwrap().starts_with("wasi:http/handler@0.3"))
    );
    assert_eq!(
        shown["bytes"],
        std::fs::metadata(guest("hello-p3")).unwrap().len()
    );
}

#[test]
fn inspect_refuses_what_is_no_component() {
    for (file, reason) in [
        (guest("core-module"), "core module"),
        ("/nonexistent.wasm".into(), "cannot read"),
        (
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into(),
            "not WebAssembly",
        ),
    ] {
        let shown = airgate(&["inspect", file.to_str().unwrap()]);
        assert_eq!(shown.status.code(), Some(1));
        assert!(err(&shown).contains(reason), "{shown:?}");
    }
}

#[test]
fn schema_is_the_json_schema_of_the_configuration() {
    let shown = airgate(&["schema"]);
    let schema = json(&shown);
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for table in ["server", "admin", "component", "route"] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
}

#[test]
fn help_names_every_verb_and_wrong_usage_ends_with_2() {
    let help = airgate(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for verb in [
        "serve", "check", "inspect", "schema", "kv", "bus", "restart", "stop",
    ] {
        assert!(out(&help).contains(verb), "{verb}");
        assert_eq!(airgate(&[verb, "--help"]).status.code(), Some(0));
    }
    assert!(out(&airgate(&["--version"])).starts_with("airgate "));
    for wrong in [&["conquer"][..], &["check", "--nonsense"], &[]] {
        assert_eq!(airgate(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn verbs_of_stores_and_bus_refuse_what_no_gateway_need_be_asked_for() {
    for (arguments, code, says) in [
        (&["kv", "restore", "a.jsonl"][..], 2, "say --yes"),
        (&["kv", "get", "cart", ".."], 2, "dots"),
        (
            &["kv", "set", "cart", "k", "v", "--ttl", "5"],
            2,
            "duration",
        ),
        (
            &["kv", "backup", "--output", "/nonexistent/a"],
            1,
            "cannot write",
        ),
        (&["bus", "publish", "orders.*", "x"], 2, "wildcard"),
        (&["bus", "listen", "a.>.b"], 2, "last token"),
        (&["bus", "publish", "a", "@/nonexistent"], 1, "cannot read"),
        (
            &["kv", "stores", "--admin", "127.0.0.1:1"],
            4,
            "cannot be reached",
        ),
    ] {
        let output = airgate(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert!(err(&output).contains(says), "{arguments:?}: {output:?}");
    }
}
