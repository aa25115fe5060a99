//! Asks the admin API.
//!
//! Bounded in time and in what it reads. It follows no redirect and uses no proxy: the token
//! goes where it was meant to go.

use std::error::Error as _;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, IF_MATCH};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Body, Certificate, Response, Url};
use serde::de::DeserializeOwned;

use super::address::Address;
use super::credentials::Credentials;
use super::failure::{Failure, Refusal};
use crate::core::ByteSize;

const CONNECT: Duration = Duration::from_secs(5);
/// For answers that need nothing but a look.
const LOOK: Duration = Duration::from_secs(30);
/// A change may have to compile what it changes to.
const CHANGE: Duration = Duration::from_secs(600);
const LARGEST_ANSWER: ByteSize = ByteSize(64 << 20);

/// One gateway's admin API.
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    base: Url,
    address: Address,
    credentials: Credentials,
}

/// One request.
pub(in crate::cli) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Option<Body>,
    patience: Duration,
}

/// What was answered, with success.
#[derive(Debug)]
pub(in crate::cli) struct Answer {
    pub status: u16,
    /// JSON, as it came.
    pub body: String,
}

/// What was answered, with success, whatever it is.
pub(in crate::cli) struct Raw {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    /// The names in `path` are checked ones.
    fn new(method: Method, path: impl Into<String>, patience: Duration) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            patience,
        }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, LOOK)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path, CHANGE)
    }

    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path, CHANGE)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, LOOK)
    }

    pub fn json(self, body: &serde_json::Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.body(body.to_string().into(), json)
    }

    pub fn body(mut self, body: Body, media_type: HeaderValue) -> Self {
        self.body = Some(body);
        self.header(CONTENT_TYPE, media_type)
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Only if the component is still at this generation.
    pub fn if_generation(self, generation: Option<u64>) -> Self {
        let Some(generation) = generation else {
            return self;
        };
        let tag = HeaderValue::try_from(format!("\"{generation}\""));
        match tag {
            Ok(tag) => self.header(IF_MATCH, tag),
            // Digits and quotes always fit into a field.
            Err(_) => self,
        }
    }

    pub fn query(mut self, name: &'static str, value: Option<String>) -> Self {
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    /// For what may take long, however good it goes.
    pub fn patiently(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience.min(self.patience);
        self
    }
}

impl Client {
    /// # Errors
    /// The certificates of this machine cannot be read, where they are needed.
    pub(super) fn new(address: Address, credentials: Credentials) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT);
        let local = "http://localhost";
        let (http, base) = match &address {
            Address::Http(url) if url.scheme() == "https" => (http, Ok(url.clone())),
            // Without TLS nothing is to be verified, and machines without certificates exist.
            Address::Http(url) => (http.tls_certs_only(none()), Ok(url.clone())),
            Address::Unix(path) => (
                http.tls_certs_only(none()).unix_socket(path.as_path()),
                Url::parse(local),
            ),
        };
        let local = |error: &dyn std::fmt::Display| Failure::Local(error.to_string());
        Ok(Self {
            http: http.build().map_err(|error| local(&causes(&error)))?,
            base: base.map_err(|error| local(&error))?,
            address,
            credentials,
        })
    }

    /// Asks, and reads the answer whole.
    ///
    /// # Errors
    /// Nobody answers in time, the answer is a problem, or it is not JSON.
    pub async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let (status, raw) = self.ask(call).await?;
        let body = String::from_utf8(raw.body);
        let body = body.map_err(|_| self.foreign("what it answers is not UTF-8"))?;
        let answer = Answer { status, body };
        match serde_json::from_str::<serde::de::IgnoredAny>(&answer.body) {
            Ok(_) => Ok(answer),
            Err(_) => Err(self.foreign("what it answers is not JSON")),
        }
    }

    /// Asks for what need not be JSON, and reads it whole.
    ///
    /// # Errors
    /// Nobody answers in time, or the answer is a problem.
    pub async fn fetch(&self, call: Call) -> Result<Raw, Failure> {
        Ok(self.ask(call).await?.1)
    }

    async fn ask(&self, call: Call) -> Result<(u16, Raw), Failure> {
        let changes = call.method != Method::GET;
        let patience = call.patience;
        let answered = tokio::time::timeout(patience, async {
            let response = self.start(call).await?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let body = self.read(response, changes).await?;
            Ok((status, Raw { headers, body }))
        });
        answered.await.unwrap_or_else(|_| {
            let late = format!("no answer within {} seconds", patience.as_secs());
            Err(self.unreachable(&late, changes))
        })
    }

    /// Asks, and leaves the body of the answer to the caller.
    ///
    /// # Errors
    /// Nobody answers, or the answer is a problem.
    pub async fn start(&self, call: Call) -> Result<Response, Failure> {
        let changes = call.method != Method::GET;
        let is_of_component = call.path.starts_with("/v1/components/");
        let sent = self.request(call)?.send().await;
        let response = sent.map_err(|error| {
            let in_doubt = changes && !error.is_connect();
            self.unreachable(&causes(&error), in_doubt)
        })?;
        match response.status().as_u16() {
            200..=299 => Ok(response),
            status => Err(self.refused(status, response, is_of_component).await),
        }
    }

    fn request(&self, call: Call) -> Result<reqwest::RequestBuilder, Failure> {
        let mut url = self.base.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&(prefix + &call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method, url).headers(call.headers);
        if let Some(token) = &self.credentials.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|error| Failure::Local(error.to_string()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = call.body {
            request = request.body(body);
        }
        Ok(request.header(ACCEPT, "application/json, text/event-stream"))
    }

    async fn read(&self, mut response: Response, changes: bool) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        let broken = |error: reqwest::Error| self.unreachable(&causes(&error), changes);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if (body.len() + chunk.len()) as u64 > LARGEST_ANSWER.0 {
                return Err(self.foreign(&format!("it answers with more than {LARGEST_ANSWER}")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn refused(&self, status: u16, response: Response, is_of_component: bool) -> Failure {
        // A problem without its document is a problem still.
        let body = tokio::time::timeout(LOOK, self.read(response, false)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let mut refusal = Refusal::new(status, &body);
        refusal.advice = match status {
            401 => Some(self.credentials.advice()),
            412 if is_of_component => {
                Some("look at it again with `airgate status`, then repeat".into())
            }
            _ => None,
        };
        Failure::Refused(refusal)
    }

    pub fn unreachable(&self, cause: &str, in_doubt: bool) -> Failure {
        let cause = format!(
            "the admin API at {} cannot be reached: {cause}",
            self.address
        );
        Failure::Unreachable { cause, in_doubt }
    }

    pub fn foreign(&self, what: &str) -> Failure {
        Failure::Foreign(format!(
            "{} is not an admin API of this version of airgate: {what}",
            self.address
        ))
    }

    /// # Errors
    /// The answer has another form.
    pub fn read_as<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        serde_json::from_str(&answer.body).map_err(|error| self.foreign(&error.to_string()))
    }
}

fn none() -> std::iter::Empty<Certificate> {
    std::iter::empty()
}

/// The last cause says what happened; the others, where.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut source = error.source();
    while let Some(next) = source {
        cause = next;
        source = next.source();
    }
    match error.is_timeout() {
        true => "it takes too long to connect".into(),
        false => cause.to_string(),
    }
}

#[cfg(test)]
impl Client {
    /// With a token that is as good as any.
    pub fn for_test(address: &str) -> Self {
        // First of all, as in `main`.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::new(address.parse().unwrap(), Credentials::for_test()).unwrap()
    }
}
