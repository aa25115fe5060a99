//! The JSON Schema of `routes.toml`, from the same list of keys as the reader.

use serde_json::{Value, json};

use super::raw::RawConfig;
use super::read::Shape;

/// As `airgate schema` prints it (JSON Schema 2020-12).
pub fn schema() -> String {
    let mut schema = RawConfig::schema();
    if let Some(root) = schema.as_object_mut() {
        root.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        root.insert("title".into(), json!("Airgate's routes.toml"));
        set_format_version(root);
    }
    format!("{schema:#}")
}

fn set_format_version(root: &mut serde_json::Map<String, Value>) {
    if let Some(version) = root
        .get_mut("properties")
        .and_then(|all| all.get_mut("version"))
    {
        *version = json!({ "const": 1, "description": version["description"] });
    }
}
