//! The table of endpoints as an OpenAPI 3.1 document.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{Answer, Body, Endpoint};
use crate::admin::answer::{ProblemDocument, title};
use crate::admin::request::BodyKind;
use crate::core::Role;

const SCHEMAS: &str = "/components/schemas";
const PROBLEM: &str = "application/problem+json";

/// Describes every endpoint.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let mut writer = Writer::new();
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str()] = writer.operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Airgate admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What operators and their tools ask of a running node. Every error is a problem document (RFC 9457).",
        },
        "paths": paths,
        "components": {
            "schemas": writer.into_schemas(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// Types are described as they are sent, and those of requests as they are read.
struct Writer {
    sent: SchemaGenerator,
    read: SchemaGenerator,
    problem: Schema,
}

impl Writer {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = SCHEMAS.into();
                settings.meta_schema = None;
            })
        };
        let mut sent = settings().for_serialize().into_generator();
        Self {
            problem: sent.subschema_for::<ProblemDocument>(),
            sent,
            read: settings().for_deserialize().into_generator(),
        }
    }

    fn into_schemas(mut self) -> Map<String, Value> {
        let mut schemas = self.sent.take_definitions(true);
        schemas.extend(self.read.take_definitions(true));
        schemas
    }

    fn operation(&mut self, endpoint: &Endpoint) -> Value {
        let security = match endpoint.role {
            Some(_) => json!([{ "bearer": [] }]),
            None => json!([]),
        };
        let mut operation = json!({
            "operationId": operation_id(endpoint),
            "summary": endpoint.summary,
            "description": description(endpoint),
            "security": security,
            "parameters": self.parameters(endpoint),
            "responses": self.responses(endpoint),
        });
        if let Some(role) = endpoint.role {
            operation["x-role"] = role.as_str().into();
        }
        if let Some(body) = &endpoint.body {
            operation["requestBody"] = self.body(body);
        }
        operation
    }

    fn parameters(&mut self, endpoint: &Endpoint) -> Vec<Value> {
        let in_path = path_parameters(endpoint.path).map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        });
        let headers = endpoint.headers.iter().map(|(name, meaning)| {
            json!({ "name": name, "in": "header", "description": meaning, "schema": { "type": "string" } })
        });
        let mut parameters: Vec<Value> = in_path.chain(headers).collect();
        if let Some(query) = endpoint.query {
            let mut schema = query(&mut self.read);
            let members = schema.ensure_object().remove("properties");
            let members = members.and_then(|members| members.as_object().cloned());
            parameters.extend(members.into_iter().flatten().map(parameter));
        }
        parameters
    }

    fn body(&mut self, body: &Body) -> Value {
        let schema = match body.schema {
            Some(schema) => schema(&mut self.read).to_value(),
            None => json!({}),
        };
        let media = body.kind.media().iter();
        let content: Map<_, _> = media
            .map(|media| ((*media).to_owned(), json!({ "schema": schema })))
            .collect();
        json!({ "required": body.required, "content": content })
    }

    fn responses(&mut self, endpoint: &Endpoint) -> Value {
        let mut responses = Map::new();
        for status in problems(endpoint) {
            let content = json!({ PROBLEM: { "schema": self.problem } });
            let response = json!({ "description": title(status), "content": content });
            responses.insert(status.to_string(), response);
        }
        for answer in &endpoint.answers {
            responses.insert(answer.status.to_string(), self.answer(answer));
        }
        responses.into()
    }

    fn answer(&mut self, answer: &Answer) -> Value {
        let mut response = json!({ "description": answer.description });
        if let Some((media, schema)) = answer.content {
            let schema = schema.map(|schema| schema(&mut self.sent).to_value());
            let schema = schema.unwrap_or_else(|| json!({ "type": "string" }));
            response["content"] = json!({ media: { "schema": schema } });
        }
        for (name, meaning) in &answer.headers {
            response["headers"][*name] =
                json!({ "description": meaning, "schema": { "type": "string" } });
        }
        response
    }
}

/// One member of the object that a query is.
fn parameter((name, mut schema): (String, Value)) -> Value {
    let described = schema.as_object_mut();
    let description = described.and_then(|schema| schema.remove("description"));
    json!({ "name": name, "in": "query", "description": description.unwrap_or_default(), "schema": schema })
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    let segments = path.split('/');
    segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The method and the words of the path: `getV1ComponentsName`.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    endpoint.method.as_str().to_owned() + &words.map(capital).collect::<String>()
}

fn description(endpoint: &Endpoint) -> String {
    let who = match endpoint.role {
        None => "Anybody may ask.",
        Some(Role::Read) => "Takes the role `read`.",
        Some(Role::Deploy) => "Takes the role `deploy`.",
        Some(Role::Admin) => "Takes the role `admin`.",
    };
    [endpoint.description, who].join(" ").trim().to_owned()
}

/// Its own, and those that all of its kind have.
fn problems(endpoint: &Endpoint) -> Vec<u16> {
    let mut statuses = vec![400, 403, 421];
    if endpoint.role.is_some() {
        statuses.push(401);
    }
    match endpoint.body_kind() {
        Some(BodyKind::Wasm) => statuses.extend([408, 413, 415]),
        Some(BodyKind::Any) => statuses.extend([408, 413]),
        Some(BodyKind::Json) if endpoint.body.is_some() => statuses.extend([408, 413, 415]),
        Some(BodyKind::Json) => statuses.push(415),
        None => {}
    }
    statuses.extend(endpoint.problems);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}
