//! The hooks of `wasi:http`: every outbound request of one instance comes through here.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use http::header::HOST;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::body::{FromPeer, Received, Upload, followed};
use super::client::HttpClient;
use super::failure;
use super::target::Target;
use crate::core::{HttpScheme, Origin, Trace};
use crate::runtime::call::{Call, CallEnd, Scheme};
use crate::runtime::guard::Verdict;
use crate::runtime::instance::Recipe;

/// Bytes of one write to a body that the host buffers; two of them at most.
const BODY_CHUNK: usize = 64 << 10;

pub(crate) const HTTP: &str = "http";
pub(crate) const COMPONENTS: &str = "components";

/// What one instance has under way to the outside.
pub(crate) struct Outgoing {
    /// The guest's too: one handle less for every instance.
    pub recipe: Arc<Recipe>,
    pub origin: Origin,
    /// Until when the guest has time for it.
    pub end: CallEnd,
    trace: Option<Trace>,
    /// Requests that may still be begun for this one.
    left: u32,
    /// Messages that may still be sent for this one.
    messages_left: u32,
    /// Requests that may be under way at once; made by the first.
    parallel: Option<Arc<Semaphore>>,
    /// Requests that the instance serves at once.
    at_once: u32,
}

type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);
type SendFuture = Box<dyn Future<Output = Result<Sent, Error>> + Send>;

impl Outgoing {
    pub fn new(recipe: Arc<Recipe>) -> Self {
        Self {
            origin: Origin::NONE,
            end: CallEnd::default(),
            trace: None,
            left: recipe.limits.outbound_requests,
            messages_left: recipe.bounds.messages,
            parallel: None,
            at_once: 1,
            recipe,
        }
    }

    pub fn arm(&mut self, origin: Origin) {
        self.origin = origin;
        self.end = CallEnd::default();
        self.trace = None;
        self.left = self.recipe.limits.outbound_requests;
        self.messages_left = self.recipe.bounds.messages;
    }

    /// Another request beside those that are served brings its own allowance.
    pub fn join(&mut self, origin: Origin) {
        self.origin = origin;
        self.left = self
            .left
            .saturating_add(self.recipe.limits.outbound_requests);
        self.messages_left = self
            .messages_left
            .saturating_add(self.recipe.bounds.messages);
    }

    /// Up to so many requests are served at once, each with as many of its own under way.
    pub fn share(&mut self, at_once: u32) {
        self.at_once = at_once;
    }

    /// What the request belongs to, for those that may ask others at all.
    pub fn follow(&mut self, headers: &HeaderMap) {
        if self.recipe.reach.grants.reaches_others() {
            self.trace = Trace::of(headers);
        }
    }

    /// As [`Outgoing::follow`], where the trace is known.
    pub fn belong_to(&mut self, trace: Option<&Trace>) {
        if self.recipe.reach.grants.reaches_others() {
            self.trace = trace.cloned();
        }
    }

    /// What is caused now belongs to this.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Of several requests nobody can tell which one asks: they have a trace in common or none.
    pub fn follow_too(&mut self, headers: &HeaderMap) {
        if self.trace.is_some() && self.trace != Trace::of(headers) {
            self.trace = None;
        }
    }

    /// Another request, over HTTP or the bus. `None`: it may begin no more.
    pub fn count_request(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }

    /// Another message. `None`: it may send no more.
    pub fn count_message(&mut self) -> Option<()> {
        self.messages_left = self.messages_left.checked_sub(1)?;
        Some(())
    }

    fn send(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<SendFuture, Error> {
        self.count_request().ok_or(Error::ConnectionLimitReached)?;
        // A tunnel would carry what nobody checks.
        if *request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        // The target says whom a request is for, and nobody else may.
        request.headers_mut().remove(HOST);
        if let Some(trace) = &self.trace {
            trace.carry_on(request.headers_mut());
        }
        let uri = request.uri().clone();
        match Target::of(&uri, &self.recipe.reach.grants.components)? {
            Target::Component(name) => self.call(name, request),
            Target::Server { scheme, host, port } => {
                self.fetch(scheme, host, port, request, options.unwrap_or_default())
            }
        }
    }

    fn call(&mut self, name: &str, mut request: Request<WasiBody>) -> Result<SendFuture, Error> {
        let reach = &self.recipe.reach;
        let mut granted = reach.grants.components.iter();
        let metrics = granted.position(|one| one.as_str().eq_ignore_ascii_case(name));
        if metrics.is_none()
            && reach
                .guard
                .deny(COMPONENTS, &name, &"not granted", self.origin.id)
                == Verdict::Refused
        {
            return Err(Error::HttpRequestDenied);
        }
        if self.origin.is_too_deep() {
            tracing::warn!(
                component = %self.recipe.component, request_id = %self.origin.id, called = name,
                "components call each other {} deep: a loop", Origin::MAX_DEPTH
            );
            return Err(Error::LoopDetected);
        }
        let host = request.uri().authority().map(|it| it.as_str().parse());
        if let Some(Ok(host)) = host {
            request.headers_mut().insert(HOST, host);
        }
        let started = Instant::now();
        let call = Call {
            origin: self.origin.deeper(),
            arrived: started,
            scheme: Scheme::Http,
        };
        let method = request.method().clone();
        let peers = reach
            .services
            .peers()
            .ok_or(Error::DestinationUnavailable)?;
        let call = peers
            .call(name, request, call)
            .map_err(|_| Error::DestinationNotFound)?;
        let (permits, recipe) = (self.permits(), self.recipe.clone());
        // A task of its own: a guest is never polled inside another.
        let task = wasmtime_wasi::runtime::spawn(async move {
            let permit = permits
                .acquire_owned()
                .await
                .map_err(|_| Error::ConnectionLimitReached)?;
            let answer = call.await.map_err(|error| failure::of_peer(&error));
            let result = answer.map(|response| response.map(|body| FromPeer::wrap(body, permit)));
            recipe
                .reach
                .record_call(metrics, started.elapsed(), &method, &result);
            result
        });
        Ok(Box::new(async move { Ok((task.await?, done())) }))
    }

    fn fetch(
        &mut self,
        scheme: HttpScheme,
        host: &str,
        port: u16,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<SendFuture, Error> {
        let reach = &self.recipe.reach;
        let grant = match reach.egress.request(scheme, host, port) {
            Ok(grant) => reach.grants.http.iter().position(|it| it == grant),
            Err(denied) => match reach.guard.deny_egress(&denied, self.origin.id) {
                Verdict::Audited => None,
                Verdict::Refused => return Err(Error::HttpRequestDenied),
            },
        };
        let network = reach.services.network();
        let client = reach.clients.get(&network, &reach.egress, &reach.guard);
        let settings = network.settings();
        let within =
            |asked: Option<Duration>, most: Duration| asked.map_or(most, |it| it.min(most));
        let connect = within(options.connect_timeout, settings.connect_timeout);
        let first_byte = within(options.first_byte_timeout, settings.first_byte_timeout);
        let idle = within(
            options.between_bytes_timeout,
            settings.between_bytes_timeout,
        );
        let (permits, recipe, id) = (self.permits(), self.recipe.clone(), self.origin.id);
        Ok(Box::new(async move {
            let permit = permits
                .acquire_owned()
                .await
                .map_err(|_| Error::ConnectionLimitReached)?;
            let (started, method) = (Instant::now(), request.method().clone());
            let (parts, body) = request.into_parts();
            let (body, upload) = followed(body);
            let request = Request::from_parts(parts, body);
            let answer = head(&client, request, upload, connect + first_byte).await;
            let result = match answer {
                Ok(response) => Ok(response.map(|body| Received::wrap(body, idle, permit))),
                Err(Failed::Late) => Err(Error::HttpResponseTimeout),
                Err(Failed::Client(error)) => {
                    if let Some(denied) = failure::denial(&error) {
                        let _ = recipe.reach.guard.deny_egress(denied, id);
                    }
                    tracing::debug!(component = %recipe.component, request_id = %id, %error, "outbound request failed");
                    Err(failure::of_client(&error))
                }
            };
            recipe
                .reach
                .record_fetch(grant, started.elapsed(), &method, &result);
            Ok((result?, done()))
        }))
    }

    fn permits(&mut self) -> Arc<Semaphore> {
        let (services, at_once) = (&self.recipe.reach.services, self.at_once as usize);
        let make = || {
            let parallel = services.network().settings().parallel as usize;
            Arc::new(Semaphore::new(parallel.saturating_mul(at_once)))
        };
        self.parallel.get_or_insert_with(make).clone()
    }
}

enum Failed {
    Late,
    Client(hyper_util::client::legacy::Error),
}

/// Waits for the response head, for `patience` after the last piece of the request.
async fn head(
    client: &HttpClient,
    request: Request<WasiBody>,
    upload: Option<Upload>,
    patience: Duration,
) -> Result<Response<hyper::body::Incoming>, Failed> {
    let mut again = upload.is_none().then(|| repeatable(&request)).flatten();
    let mut answer = Box::pin(client.request(request));
    loop {
        match tokio::time::timeout(patience, answer.as_mut()).await {
            // A kept connection may be closed by its server just when it is used again.
            Ok(Err(error)) if failure::was_dropped(&error) => match again.take() {
                Some(request) => answer = Box::pin(client.request(request)),
                None => return Err(Failed::Client(error)),
            },
            Ok(answer) => return answer.map_err(Failed::Client),
            Err(_) if upload.as_ref().is_some_and(Upload::has_moved) => {}
            Err(_) => return Err(Failed::Late),
        }
    }
}

/// The request once more, where sending it twice is as good as once (RFC 9110 §9.2.2). It
/// has no body.
fn repeatable(request: &Request<WasiBody>) -> Option<Request<WasiBody>> {
    if !request.method().is_idempotent() {
        return None;
    }
    let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut again = Request::new(empty);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// Nothing is left to be driven: connections have tasks of their own.
fn done() -> Box<dyn Future<Output = Result<(), Error>> + Send> {
    Box::new(std::future::ready(Ok(())))
}

impl WasiHttpHooks for Outgoing {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        static FILTER: LazyLock<ForbiddenHeaderFilter> =
            LazyLock::new(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)));
        FILTER.clone()
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> SendFuture {
        match self.send(request, options) {
            Ok(sending) => sending,
            Err(error) => Box::new(std::future::ready(Err(error))),
        }
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }
}
