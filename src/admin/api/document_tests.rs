//! The description of the router in itself.

use serde_json::Value;

use super::endpoint::Endpoint;
use super::{openapi, table};

pub(super) fn document() -> Value {
    openapi::document(&table::endpoints())
}

/// A path with names where it has places for them.
fn with_names(path: &str) -> String {
    let name = |segment: &str| match segment {
        "{version}" => "1.0".to_owned(),
        "{key}" => "a%2Fb".to_owned(),
        "{id}" => "7".to_owned(),
        other => other.replace(['{', '}'], ""),
    };
    let segments: Vec<_> = path.split('/').map(name).collect();
    segments.join("/")
}

/// Every operation of the document, with names where its path has places for them.
pub(super) fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = with_names(path);
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation));
        }
    }
    all
}

/// Every `$ref` below a value.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_document_resolves_and_every_schema_is_used() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(
            found.contains(&&*format!("#/components/schemas/{name}")),
            "{name}"
        );
    }
}

#[test]
fn every_operation_is_described() {
    let document = document();
    let mut ids = std::collections::HashSet::new();
    for (method, path, operation) in operations(&document) {
        let text = |name: &str| operation[name].as_str().unwrap().to_owned();
        assert!(ids.insert(text("operationId")), "{method} {path}");
        assert!(
            !text("summary").is_empty() && !text("description").is_empty(),
            "{method} {path}"
        );
        let responses = operation["responses"].as_object().unwrap();
        let well = responses.keys().filter(|status| status.starts_with('2'));
        assert!(well.count() >= 1, "{method} {path}");
        for parameter in operation["parameters"].as_array().unwrap() {
            assert!(
                parameter["schema"].is_object(),
                "{method} {path} {parameter}"
            );
        }
    }
}

#[test]
fn the_document_says_what_a_deploy_takes() {
    let document = document();
    let deploy = &document["paths"]["/v1/components/{name}/versions/{version}"]["put"];
    let parameters = deploy["parameters"].as_array().unwrap();
    let names: Vec<_> = parameters
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    for name in [
        "name", "version", "strategy", "steps", "traffic", "reason", "If-Match",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(deploy["x-role"], "deploy");
    assert!(deploy["requestBody"]["content"]["application/wasm"].is_object());
    for status in [
        "200", "201", "400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "503",
        "507",
    ] {
        assert!(deploy["responses"][status].is_object(), "{status}");
    }
}

#[test]
fn no_endpoint_is_there_twice() {
    let key = |it: &Endpoint| (it.method.as_str(), it.path);
    let all = table::endpoints();
    let different: std::collections::HashSet<_> = all.iter().map(key).collect();
    assert_eq!(different.len(), all.len());
}
