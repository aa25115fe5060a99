//! The router and its description against each other, and who gets how far.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::endpoint::Endpoint;
use super::{Settings, openapi, router, table};
use crate::admin::access::{AdminTokens, Hosts};
use crate::admin::{DeadLetters, Node, Readiness, ReloadFailure, Run};
use crate::component::Version;
use crate::config::{Config, Token};
use crate::core::{ByteSize, MessageBus, Role, Stores};
use crate::lifecycle::{Delivery, Deployments};
use crate::security::{AuditKind, AuditQuery, AuditTrail};

/// A node of which nothing is asked but its health and its trail.
struct Idle(Arc<AuditTrail>);

#[async_trait::async_trait]
impl Node for Idle {
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    fn metrics(&self) -> String {
        "up 1\n".into()
    }

    fn config(&self) -> Arc<Config> {
        unreachable!("nobody asks for it")
    }

    fn deployments(&self) -> Arc<Deployments> {
        Arc::default()
    }

    fn delivery(&self) -> &Arc<Delivery> {
        unreachable!("nobody asks for it")
    }

    fn audit(&self) -> &AuditTrail {
        &self.0
    }

    fn stores(&self) -> Arc<dyn Stores> {
        unreachable!("nobody asks for it")
    }

    fn bus(&self) -> Arc<dyn MessageBus> {
        unreachable!("nobody asks for it")
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        unreachable!("nobody asks for it")
    }

    fn run(&self, _: &Version) -> Run {
        unreachable!("nothing is deployed")
    }

    async fn restart(&self, _: &Arc<Version>) {}

    async fn stop(&self, _: &Arc<Version>) {}

    async fn reload(&self) -> Result<(), ReloadFailure> {
        Ok(())
    }

    fn drain(&self) {}
}

struct Api {
    router: Router,
    trail: Arc<AuditTrail>,
}

impl Api {
    fn new() -> Self {
        let token = |text: &str| Token::new(text.into());
        let named =
            Role::ALL.map(|role| (role.as_str().to_owned() + "er", role, token(role.as_str())));
        let tokens = AdminTokens::open(Some(&token("secret")), named, "/nowhere".as_ref());
        let settings = Settings {
            tokens: tokens.unwrap(),
            hosts: Hosts::new(Some("127.0.0.1:9901".parse().unwrap()), Vec::new()),
            artifact_limit: ByteSize(1_000),
        };
        let trail = AuditTrail::in_memory();
        Self {
            router: router(Arc::new(Idle(trail.clone())), settings),
            trail,
        }
    }

    async fn ask(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn status(&self, method: &str, path: &str, token: Option<&str>) -> u16 {
        let mut request = request(method, path);
        if let Some(token) = token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        self.ask(request).await.status().as_u16()
    }

    /// The newest events of the trail: target and detail.
    fn recorded(&self, kind: AuditKind) -> Vec<(String, String)> {
        let query = AuditQuery {
            kind: Some(kind),
            ..AuditQuery::default()
        };
        let events = self.trail.query(&query).into_iter();
        events.map(|event| (event.target, event.detail)).collect()
    }
}

fn request(method: &str, path: &str) -> Request<Body> {
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(path);
    request
        .header(HOST, "localhost")
        .body(Body::empty())
        .unwrap()
}

async fn json(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn document() -> Value {
    openapi::document(&table::endpoints())
}

/// Every operation of the document, with names where its path has places for them.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let names = [
            ("{name}", "cart"),
            ("{version}", "1.0"),
            ("{store}", "default"),
            ("{component}", "cart"),
            ("{key}", "a%2Fb"),
            ("{id}", "7"),
        ];
        let named = |path: String, (place, name)| path.replace(place, name);
        let path = names.into_iter().fold(path.clone(), named);
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation));
        }
    }
    all
}

#[tokio::test]
async fn every_described_path_answers() {
    let (api, document) = (Api::new(), document());
    let operations = operations(&document);
    assert_eq!(operations.len(), table::endpoints().len());
    for (method, path, operation) in operations {
        let anybody = operation["security"].as_array().unwrap().is_empty();
        let expected = if anybody { 200 } else { 401 };
        assert_eq!(
            api.status(&method, &path, None).await,
            expected,
            "{method} {path}"
        );
    }
    assert_eq!(api.status("get", "/v1/nothing", None).await, 404);
    assert_eq!(api.status("delete", "/v1/routes", None).await, 405);
}

#[tokio::test]
async fn every_role_gets_as_far_as_its_description_says() {
    let (api, document) = (Api::new(), document());
    for (method, path, operation) in operations(&document) {
        let Some(needed) = operation["x-role"].as_str() else {
            continue;
        };
        let needed = Role::ALL.into_iter().find(|it| it.as_str() == needed);
        for role in Role::ALL.into_iter().filter(|role| Some(*role) < needed) {
            let status = api.status(&method, &path, Some(role.as_str())).await;
            assert_eq!(status, 403, "{method} {path} as {role:?}");
        }
    }
    for (method, path, role, status) in [
        ("get", "/metrics", "read", 200),
        ("get", "/v1/components", "read", 200),
        ("post", "/v1/reload", "read", 403),
        ("post", "/v1/reload", "deploy", 403),
        ("post", "/v1/reload", "admin", 200),
        ("post", "/v1/drain", "secret", 202),
        ("put", "/v1/components/cart/versions/1", "read", 403),
        ("put", "/v1/components/cart/versions/1", "deploy", 415),
        ("post", "/v1/components/cart/restart", "deploy", 404),
        ("post", "/v1/components/cart/stop?version=1", "deploy", 404),
        ("post", "/v1/components/cart/stop?version=", "deploy", 400),
    ] {
        assert_eq!(
            api.status(method, path, Some(role)).await,
            status,
            "{path} as {role}"
        );
    }
}

#[tokio::test]
async fn a_role_that_is_too_small_is_told_which_one_is_needed() {
    let api = Api::new();
    let mut request = request("post", "/v1/reload");
    let bearer = "Bearer deploy".parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let problem = json(api.ask(request).await).await;
    assert_eq!(problem["role"], "admin");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("`admin`") && detail.contains("`deployer`"),
        "{detail}"
    );
}

#[tokio::test]
async fn the_trail_knows_who_has_asked() {
    let api = Api::new();
    api.status("post", "/v1/reload", Some("admin")).await;
    api.status("get", "/metrics", Some("read")).await;
    let reload = "POST /v1/reload".to_owned();
    let calls = api.recorded(AuditKind::AdminCall);
    assert_eq!(calls, [(reload.clone(), "200 OK by adminer".into())]);
    api.status("post", "/v1/reload", Some("read")).await;
    api.status("get", "/metrics?token=x", Some("wrong")).await;
    let denied = api.recorded(AuditKind::Denied);
    let refusals = [
        ("GET /metrics".to_owned(), "401 Unauthorized".to_owned()),
        (reload, "403 Forbidden by reader".into()),
    ];
    assert_eq!(denied, refusals);
}

#[tokio::test]
async fn web_pages_from_elsewhere_get_nowhere_whatever_they_ask() {
    let api = Api::new();
    for (name, value, status) in [
        ("host", "evil.test", 421),
        ("origin", "https://evil.test", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        for (method, path) in [
            ("get", "/livez"),
            ("post", "/v1/reload"),
            ("options", "/v1/reload"),
            ("get", "/nothing"),
        ] {
            let mut request = request(method, path);
            request.headers_mut().insert(name, value.parse().unwrap());
            let bearer = "Bearer secret".parse().unwrap();
            request.headers_mut().insert(AUTHORIZATION, bearer);
            let response = api.ask(request).await;
            assert_eq!(response.status().as_u16(), status, "{method} {path} {name}");
        }
    }
    assert_eq!(api.recorded(AuditKind::AdminCall), []);
    assert_eq!(api.recorded(AuditKind::Denied).len(), 12);
}

#[tokio::test]
async fn answers_are_kept_by_nobody_and_guessed_at_by_nobody() {
    let api = Api::new();
    for (path, host) in [
        ("/livez", "localhost"),
        ("/nothing", "localhost"),
        ("/livez", "evil.test"),
    ] {
        let mut request = request("get", path);
        request.headers_mut().insert(HOST, host.parse().unwrap());
        let response = api.ask(request).await;
        let headers = response.headers();
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(
            !headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control-"))
        );
    }
}

#[tokio::test]
async fn what_is_no_json_is_not_read() {
    let api = Api::new();
    for path in ["/v1/reload", "/v1/components/cart/rollback"] {
        let mut request = request("post", path);
        let bearer = "Bearer secret".parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request
            .headers_mut()
            .insert(CONTENT_TYPE, "text/plain".parse().unwrap());
        assert_eq!(api.ask(request).await.status().as_u16(), 415, "{path}");
    }
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
