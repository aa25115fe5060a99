//! The router against its description, and who gets how far.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::document_tests::{document, operations};
use super::{Settings, router, table};
use crate::admin::access::{AdminTokens, Hosts};
use crate::admin::{Node, Readiness, ReloadFailure};
use crate::config::{Config, Token};
use crate::core::{ByteSize, DeadLetters, MessageBus, Role, Stores};
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
