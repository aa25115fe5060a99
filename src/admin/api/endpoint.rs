//! One endpoint: what it does, and all that must be known to ask for it.

use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::Shared;
use crate::admin::access::{record, require};
use crate::admin::request::BodyKind;
use crate::core::Role;

/// Makes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A method and a path.
pub(super) struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    /// The least role that may ask; `None`: anybody may.
    pub role: Option<Role>,
    pub summary: &'static str,
    pub description: &'static str,
    /// The schema of an object; its members are the parameters.
    pub query: Option<SchemaOf>,
    /// Name and meaning.
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Option<Body>,
    pub answers: Vec<Answer>,
    /// Statuses of problems, beside those that all endpoints of its kind have.
    pub problems: &'static [u16],
    handler: MethodRouter<Shared>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Put,
    Post,
    Delete,
}

pub(super) struct Body {
    pub kind: BodyKind,
    /// `None`: bytes.
    pub schema: Option<SchemaOf>,
    pub required: bool,
}

/// An answer to what goes well.
pub(super) struct Answer {
    pub status: u16,
    pub description: &'static str,
    /// Media type, and its schema; `None`: text.
    pub content: Option<(&'static str, Option<SchemaOf>)>,
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Put => MethodFilter::PUT,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

impl Endpoint {
    pub fn new<H, T>(
        method: Method,
        path: &'static str,
        role: impl Into<Option<Role>>,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self {
            method,
            path,
            role: role.into(),
            summary: "",
            description: "",
            query: None,
            headers: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: &[],
            handler: on(method.filter(), handler),
        }
    }

    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    pub fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(T::json_schema);
        self
    }

    pub fn header(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.headers.push((name, meaning));
        self
    }

    pub fn json<T: JsonSchema>(self, required: bool) -> Self {
        self.body(BodyKind::Json, Some(schema_of::<T>), required)
    }

    pub fn wasm(self) -> Self {
        self.body(BodyKind::Wasm, None, true)
    }

    /// Bytes of any media type.
    pub fn bytes(self) -> Self {
        self.body(BodyKind::Any, None, true)
    }

    fn body(mut self, kind: BodyKind, schema: Option<SchemaOf>, required: bool) -> Self {
        self.body = Some(Body {
            kind,
            schema,
            required,
        });
        self
    }

    pub fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        let content = ("application/json", Some(schema_of::<T> as SchemaOf));
        self.answer(status, description, Some(content))
    }

    pub fn answers_events<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        let content = ("text/event-stream", Some(schema_of::<T> as SchemaOf));
        self.answer(status, description, Some(content))
    }

    pub fn answers_text(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, Some(("text/plain", None)))
    }

    /// Bytes of one media type.
    pub fn answers_bytes(
        self,
        status: u16,
        media: &'static str,
        description: &'static str,
    ) -> Self {
        self.answer(status, description, Some((media, None)))
    }

    pub fn answers_nothing(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, None)
    }

    fn answer(
        mut self,
        status: u16,
        description: &'static str,
        content: Option<(&'static str, Option<SchemaOf>)>,
    ) -> Self {
        self.answers.push(Answer {
            status,
            description,
            content,
            headers: Vec::new(),
        });
        self
    }

    /// A header of the last answer.
    pub fn with(mut self, name: &'static str, meaning: &'static str) -> Self {
        let last = self.answers.last_mut();
        last.into_iter()
            .for_each(|answer| answer.headers.push((name, meaning)));
        self
    }

    pub fn problems(mut self, statuses: &'static [u16]) -> Self {
        self.problems = statuses;
        self
    }

    /// What a request may bring; `None`: nobody looks at its body.
    pub fn body_kind(&self) -> Option<BodyKind> {
        let given = self.body.as_ref().map(|body| body.kind);
        match self.method {
            Method::Get | Method::Delete => None,
            Method::Put | Method::Post => Some(given.unwrap_or(BodyKind::Json)),
        }
    }

    /// Its handler behind all that must be checked first.
    pub fn into_route(self, shared: &Shared) -> MethodRouter<Shared> {
        let kind = self.body_kind();
        let mut route = self.handler;
        if let Some(kind) = kind {
            let require = move |request: Request, next: Next| kind.require(request, next);
            route = route.route_layer(from_fn(require));
        }
        if let Some(role) = self.role {
            let state = (shared.clone(), role);
            route = route.route_layer(from_fn_with_state(state, require));
            route = route.route_layer(from_fn_with_state(shared.clone(), record));
        }
        route
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
