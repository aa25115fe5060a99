//! The stack every request goes through, read top-down.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::{Service, ServiceBuilder, service_fn};

use super::body::Body;
use super::dispatch::{Answer, dispatch};
use super::gate::Gate;
use super::observe::{ObservedBody, Record};
use super::snapshot::Snapshot;
use super::watchdog::Pulse;
use crate::component::Scheme;
use crate::core::RequestId;

/// One connection, as its requests see it.
pub(crate) struct Peer {
    pub gate: Arc<Gate>,
    pub address: IpAddr,
    /// The address as a field value, made once a connection.
    pub address_value: HeaderValue,
    pub scheme: Scheme,
    pub pulse: Arc<Pulse>,
    /// No two connections have the same number.
    pub number: u64,
}

impl Peer {
    pub fn new(
        gate: Arc<Gate>,
        client: SocketAddr,
        scheme: Scheme,
        pulse: Arc<Pulse>,
        number: u64,
    ) -> Self {
        let address = client.ip().to_canonical();
        let address_value = HeaderValue::try_from(address.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self {
            gate,
            address,
            address_value,
            scheme,
            pulse,
            number,
        }
    }
}

/// A request with what the front door knows of it.
pub(crate) struct Inbound {
    pub id: RequestId,
    pub arrived: Instant,
    /// Taken once: everything about this request is decided by it.
    pub snapshot: Guard<Arc<Snapshot>>,
    pub request: Request<Incoming>,
}

/// The stack of one connection.
pub(crate) fn stack(
    peer: Arc<Peer>,
) -> impl Service<Request<Incoming>, Response = Response<ObservedBody>, Error = Infallible, Future: Send>
+ Clone {
    let (porter, watcher) = (peer.clone(), peer.clone());
    ServiceBuilder::new()
        .map_request(move |request| identify(&porter.gate, request))
        .layer_fn(move |inner| observed(watcher.clone(), inner))
        .service(service_fn(move |inbound| dispatch(peer.clone(), inbound)))
}

/// Gives the request its id and notes when it came.
fn identify(gate: &Gate, request: Request<Incoming>) -> Inbound {
    let (id, arrived, snapshot) = (RequestId::next(), Instant::now(), gate.snapshot());
    Inbound {
        id,
        arrived,
        snapshot,
        request,
    }
}

fn observed<S>(
    peer: Arc<Peer>,
    inner: S,
) -> impl Service<Inbound, Response = Response<ObservedBody>, Error = Infallible, Future: Send> + Clone
where
    S: Service<Inbound, Response = Answer, Error = Infallible, Future: Send> + Clone + Send,
{
    service_fn(move |inbound| observe(peer.clone(), inner.clone(), inbound))
}

/// Admission, metrics and access log. What is recorded is recorded when the response has
/// ended, or when the client has gone.
async fn observe<S>(
    peer: Arc<Peer>,
    mut inner: S,
    inbound: Inbound,
) -> Result<Response<ObservedBody>, Infallible>
where
    S: Service<Inbound, Response = Answer, Error = Infallible>,
{
    let is_head = inbound.request.method() == Method::HEAD;
    let mut record = Record::begin(peer, &inbound);
    let mut answer = match record.admit(&inbound.snapshot) {
        Ok(()) => inner.call(inbound).await?,
        Err(fault) => Answer::fault(&fault, &inbound),
    };
    if is_head {
        leave_out_body(&mut answer.response);
    }
    record.answered(&mut answer);
    Ok(answer.response.map(|body| ObservedBody::new(body, record)))
}

/// A response to HEAD has the fields that GET would have, and no content (RFC 9110 §9.3.2).
fn leave_out_body(response: &mut Response<Body>) {
    let length = response.body().size_hint().exact();
    if let (Some(length), false) = (length, response.headers().contains_key(CONTENT_LENGTH)) {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::Bytes(Bytes::new());
}
