//! A gate to deliver to.

use std::path::Path;
use std::time::Duration;

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use http::request::Builder;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Answer, Connection, Gate, Raw, RequestBody, Setup, body, empty, get, guest, within, write_token,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A gate with one component, `cart`, of which version 1.0 answers "a", and with tokens named
/// after their roles. Its state is its own.
pub struct Shop {
    pub gate: Gate,
    _state: TempDir,
}

impl Shop {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0").await
    }

    pub async fn open_at(listen: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        write_token(state.path());
        let mut admin = format!("listen = {listen:?}\n");
        for role in ["read", "deploy", "admin"] {
            admin += &named_token(state.path(), role);
        }
        let setup = Setup::default().state(state.path()).admin(&admin);
        let setup = setup.component("cart", &guest("version-a"), "version = \"1.0\"");
        let route = "prefix = \"/cart\"\ncomponent = \"cart\"";
        Self {
            gate: setup.route(route).start().await,
            _state: state,
        }
    }

    /// Asks with the token of a role.
    pub async fn ask_as(&self, role: &str, mut request: Request<RequestBody>) -> Answer {
        let bearer = format!("Bearer token-of-{role}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let mut client = Connection::http1(self.gate.admin_address()).await;
        client.ask(request).await.whole()
    }

    pub async fn deploy(&self, version: &str, fixture: &str) -> Answer {
        let request = put(&format!("/v1/components/cart/versions/{version}"));
        let bytes = std::fs::read(guest(fixture)).unwrap();
        self.ask_as("deploy", request.body(body(bytes)).unwrap())
            .await
    }

    pub async fn set_traffic(&self, weights: Value, tag: Option<&str>) -> Answer {
        let mut request = Request::put("/v1/components/cart/traffic");
        request = request.header(CONTENT_TYPE, "application/json");
        if let Some(tag) = tag {
            request = request.header(IF_MATCH, tag);
        }
        let request = request.body(body(weights.to_string())).unwrap();
        self.ask_as("deploy", request).await
    }

    pub async fn delivery(&self) -> Answer {
        let answer = self
            .ask_as("read", get("/v1/components/cart/delivery"))
            .await;
        assert_eq!(answer.status(), 200);
        answer
    }

    /// The head of an upload with these fields, for a bare socket.
    pub fn upload_head(&self, fields: &str) -> String {
        let address = self.gate.admin_address();
        format!(
            "PUT /v1/components/cart/versions/2.0 HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer token-of-deploy\r\ncontent-type: application/wasm\r\n{fields}\r\n\r\n"
        )
    }

    pub async fn raw(&self) -> Raw {
        Raw::connect(self.gate.admin_address()).await
    }

    pub async fn events(&self, head: Builder) -> EventStream {
        let request = head.header(AUTHORIZATION, "Bearer token-of-read");
        let mut client = Connection::http1(self.gate.admin_address()).await;
        let response = client.send(request.body(empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        EventStream {
            body: response.into_body(),
            text: String::new(),
            _client: client,
        }
    }
}

fn named_token(state: &Path, role: &str) -> String {
    let file = state.join(format!("token-of-{role}"));
    std::fs::write(&file, format!("token-of-{role}")).unwrap();
    format!(
        "[[admin.tokens]]\nname = \"{role}er\"\nrole = {role:?}\ntoken = {{ file = {file:?} }}\n"
    )
}

pub fn put(path: &str) -> Builder {
    Request::put(path).header(CONTENT_TYPE, "application/wasm")
}

pub fn post(path: &str) -> Request<RequestBody> {
    Request::post(path).body(empty()).unwrap()
}

pub fn assert_problem(answer: &Answer, status: u16, field: Option<&str>) {
    let shown = answer.text();
    assert_eq!(answer.status(), status, "{shown}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{shown}");
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{shown}");
    assert_eq!(problem["field"].as_str(), field, "{shown}");
}

/// Server-sent events.
pub struct EventStream {
    body: hyper::body::Incoming,
    text: String,
    _client: Connection,
}

/// One of them.
#[derive(Debug)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl EventStream {
    /// `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.split_once(": "));
                    let mut found = lines.filter(|(field, _)| *field == name);
                    found.next().map(|(_, value)| value.to_owned())
                };
                let (id, name, data) = (field("id"), field("event"), field("data"));
                self.text = rest.to_owned();
                // Comments keep the connection.
                let Some(data) = data else { continue };
                return Some(Event {
                    id: id.unwrap_or_default(),
                    name: name.unwrap_or_default(),
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
            let frame = within(PATIENCE, "an event", self.body.frame()).await?;
            let data = frame.ok()?.into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    pub async fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}
