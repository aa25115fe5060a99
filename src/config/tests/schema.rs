//! The JSON Schema and the reader know the same keys.

use serde_json::{Map, Value, json};

use super::example::{BUS, CAPABILITIES, DELIVERY, EXAMPLE};
use super::messages;
use crate::config::schema;

fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

/// Every table of the schema with the way there; `NAME` stands for a name of the operator's.
fn tables(schema: &Value, path: &str, found: &mut Vec<(String, Map<String, Value>)>) {
    if let Some(keys) = schema["properties"].as_object() {
        found.push((path.to_owned(), keys.clone()));
        for (key, value) in keys {
            tables(value, &format!("{path}.{key}"), found);
        }
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        tables(one, path, found);
    }
    if schema["items"].is_object() {
        tables(&schema["items"], &format!("{path}[]"), found);
    }
    if schema["additionalProperties"].is_object() {
        tables(
            &schema["additionalProperties"],
            &format!("{path}.NAME"),
            found,
        );
    }
}

fn all_tables() -> Vec<(String, Map<String, Value>)> {
    let mut found = Vec::new();
    tables(&parsed(), "", &mut found);
    found
}

/// `.component.NAME.versions[]` and a setting → TOML with the setting there.
fn placed(path: &str, setting: &str) -> String {
    let mut text = setting.to_owned();
    for part in path.split('.').rev().filter(|part| !part.is_empty()) {
        text = match part.strip_suffix("[]") {
            Some(name) => format!("{name} = [{{ {text} }}]"),
            None => format!("{part} = {{ {text} }}"),
        };
    }
    format!("{text}\n")
}

#[test]
fn every_key_of_the_schema_is_known_to_the_reader() {
    for (path, keys) in all_tables() {
        for key in keys.keys() {
            // No key takes a date, so each is read and refused, but never unknown.
            let text = placed(&path, &format!("{key} = 2026-01-01"));
            let told = messages(&text);
            assert!(
                !told.iter().any(|line| line.contains("unknown key")),
                "{text}{told:#?}"
            );
            assert!(
                told.iter().any(|line| line.contains("found a date")
                    || line.contains("a token does not belong")),
                "{text}{told:#?}"
            );
        }
    }
}

#[test]
fn every_key_of_the_reader_is_in_the_schema() {
    for (path, keys) in all_tables() {
        let directory = super::directory();
        let errors = super::parse_in(directory.path(), &placed(&path, "zzz = 1")).unwrap_err();
        let unknown = errors
            .iter()
            .find(|error| error.message.contains("unknown key \"zzz\""))
            .unwrap();
        let help = unknown.help.as_deref().unwrap();
        let mut read: Vec<_> = help
            .strip_prefix("the keys here are ")
            .unwrap()
            .split(", ")
            .collect();
        read.sort_unstable();
        assert_eq!(
            read,
            keys.keys().map(String::as_str).collect::<Vec<_>>(),
            "{path}"
        );
    }
}

#[test]
fn every_key_is_described() {
    for (path, keys) in all_tables() {
        for (key, value) in keys {
            let description = value["description"].as_str().unwrap_or_default();
            assert!(
                description.ends_with('.') || description.ends_with("1."),
                "{path}.{key}: {description:?}"
            );
        }
    }
}

fn is_bool(text: &str) -> bool {
    text.parse::<bool>().is_ok()
}

/// "… Default: 5000." → `5000`, where that is TOML.
fn default_of(value: &Value) -> Option<&str> {
    let default = value["description"]
        .as_str()?
        .split_once("Default: ")?
        .1
        .strip_suffix('.')?;
    let is_literal = default.starts_with('"') || default.parse::<f64>().is_ok() || is_bool(default);
    is_literal.then_some(default)
}

#[test]
fn the_defaults_in_the_descriptions_are_the_defaults() {
    let all: std::collections::BTreeMap<_, _> = all_tables().into_iter().collect();
    let tables = [
        ("[server]", ".server"),
        ("[server.limits]", ".server.limits"),
        ("[telemetry]", ".telemetry"),
        ("[admin]", ".admin"),
        ("[state]", ".state"),
        ("[security]", ".security"),
        ("[outbound]", ".outbound"),
        ("[component.a.capabilities]", ".component.NAME.capabilities"),
        ("[component.a.limits]", ".component.NAME.limits"),
        ("[component.a.instances]", ".component.NAME.instances"),
        ("[component.a.rollout]", ".component.NAME.rollout"),
        ("[component.a.supervision]", ".component.NAME.supervision"),
        ("[bus]", ".bus"),
    ];
    let directory = super::directory();
    let base = super::parse_in(directory.path(), super::BASE).unwrap().0;
    for (header, path) in tables {
        let settings = all[path].iter().filter_map(|(key, value)| {
            let default = default_of(value).filter(|default| !default.contains(','))?;
            Some(format!("{key} = {default}"))
        });
        let settings: Vec<_> = settings.collect();
        assert!(!settings.is_empty(), "{path}");
        let text = format!("{}{header}\n{}\n", super::BASE, settings.join("\n"));
        let written = super::parse_in(directory.path(), &text)
            .unwrap_or_else(|errors| panic!("{errors}"))
            .0;
        assert_eq!(written, base, "{text}");
    }
}

/// They need more around them than a table of their own.
#[test]
fn the_defaults_of_stores_and_subscriptions_are_the_defaults() {
    let all: std::collections::BTreeMap<_, _> = all_tables().into_iter().collect();
    let granted = "[component.a.capabilities]\nkeyvalue = { default = \"read\" }\n";
    let subscribed = "[[component.a.subscribe]]\ntopic = \"a\"\n";
    for (base, header, path) in [
        (granted, "[storage.default]", ".storage.NAME"),
        (subscribed, "", ".component.NAME.subscribe[]"),
    ] {
        let settings = all[path].iter().filter_map(|(key, value)| {
            let default = default_of(value)?;
            Some(format!("{key} = {default}"))
        });
        let settings: Vec<_> = settings.collect();
        assert!(settings.len() > 3, "{path} {settings:?}");
        let more = format!("{base}{header}\n{}", settings.join("\n"));
        let written = super::config_with(&more);
        let expected = super::config_with(base);
        assert_eq!(written.stores, expected.stores, "{more}");
        let [written, expected] = [written, expected].map(|it| it.components["a"].clone());
        assert_eq!(written.subscriptions, expected.subscriptions, "{more}");
    }
}

#[test]
fn the_examples_fit_the_schema() {
    for example in [EXAMPLE, CAPABILITIES, DELIVERY, BUS] {
        let example: Value = toml::from_str(example).unwrap();
        let mut misfits = Vec::new();
        validate(&parsed(), &example, "", &mut misfits);
        assert_eq!(misfits, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_does_not_fit() {
    let mut misfits = Vec::new();
    let wrong = json!({ "version": 1, "route": [{ "path": 1, "colour": 2 }], "server": [] });
    validate(&parsed(), &wrong, "", &mut misfits);
    assert_eq!(
        misfits,
        [
            ".route[0].colour: unknown",
            ".route[0].path: not string",
            ".server: not object"
        ]
    );
}

#[test]
fn the_schema_refuses_capabilities_that_do_not_fit() {
    let mut misfits = Vec::new();
    let wrong = json!({ "version": 1, "component": { "a": { "capabilities": {
        "files": [{ "at": "/", "mode": "write" }], "config": { "k": 1, "l": { "env": "L" } }, "custom": { "x": [1] },
    } } } });
    validate(&parsed(), &wrong, "", &mut misfits);
    assert_eq!(
        misfits,
        [
            ".component.a.capabilities.config.k: not any of its kinds",
            ".component.a.capabilities.files[0].source: missing",
            ".component.a.capabilities.files[0].mode: not allowed",
        ]
    );
}

/// As much of JSON Schema as ours uses, but for patterns.
fn validate(schema: &Value, value: &Value, path: &str, misfits: &mut Vec<String>) {
    if let Some(any) = schema["anyOf"].as_array() {
        let fits_one = |schema: &Value| {
            let mut misfits = Vec::new();
            validate(schema, value, path, &mut misfits);
            misfits.is_empty()
        };
        if !any.iter().any(fits_one) {
            misfits.push(format!("{path}: not any of its kinds"));
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() && value.as_u64() >= schema["minimum"].as_u64(),
        Some("number") => value.is_number() && value.as_f64() >= schema["minimum"].as_f64(),
        Some("boolean") => value.is_boolean(),
        _ => schema["enum"]
            .as_array()
            .is_none_or(|allowed| allowed.contains(value)),
    };
    if !fits {
        misfits.push(format!(
            "{path}: not {}",
            schema["type"].as_str().unwrap_or("allowed")
        ));
        return;
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if value.get(name).is_none() {
            misfits.push(format!("{path}.{name}: missing"));
        }
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        validate(
            &schema["items"],
            element,
            &format!("{path}[{index}]"),
            misfits,
        );
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        match (
            schema["properties"].get(key),
            &schema["additionalProperties"],
        ) {
            (Some(known), _) => validate(known, member, &path, misfits),
            // Any value at all.
            _ if schema["type"].is_null() => {}
            (None, Value::Object(_)) => {
                validate(&schema["additionalProperties"], member, &path, misfits)
            }
            _ => misfits.push(format!("{path}: unknown")),
        }
    }
}
