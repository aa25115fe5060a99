//! What is recorded of a request: once, when its response has ended or its client has gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::body::{Body, BodyFailure};
use super::dispatch::Answer;
use super::service::{Inbound, Peer};
use super::snapshot::{Entry, Snapshot};
use super::streams::Stream;
use crate::component::RequestWatch;
use crate::core::{Fault, RequestId};
use crate::monitoring::{AccessLine, Protocol, Sample, log_access};

/// What nginx made everybody's name for "the client went away first".
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request from its head to the end of its response. Recorded when it is dropped.
pub(crate) struct Record {
    peer: Arc<Peer>,
    arrived: Instant,
    method: Method,
    protocol: Protocol,
    /// `None` until there is a response.
    status: Option<StatusCode>,
    fault: Option<usize>,
    entry: Option<Arc<Entry>>,
    version: Option<usize>,
    received: Option<RequestWatch>,
    sent: u64,
    complete: bool,
    /// Only on HTTP/2.
    stream: Option<Arc<Stream>>,
    /// Only where there is an access log.
    line: Option<Box<Line>>,
    /// It was counted in, and must be counted out.
    admitted: bool,
}

struct Line {
    id: RequestId,
    uri: Uri,
    host: Option<HeaderValue>,
}

impl Record {
    pub fn begin(peer: Arc<Peer>, inbound: &Inbound) -> Self {
        peer.pulse.begin();
        let request = &inbound.request;
        let line = inbound.snapshot.access_log.then(|| {
            let host = request.headers().get(http::header::HOST).cloned();
            Box::new(Line {
                id: inbound.id,
                uri: request.uri().clone(),
                host,
            })
        });
        Self {
            peer,
            arrived: inbound.arrived,
            method: request.method().clone(),
            protocol: Protocol::of(request.version()),
            status: None,
            fault: None,
            entry: None,
            version: None,
            received: None,
            sent: 0,
            complete: false,
            stream: Stream::current(),
            line,
            admitted: false,
        }
    }

    /// Counts the request in.
    ///
    /// # Errors
    /// There is no room for it, or the server is going away.
    pub fn admit(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let gate = &self.peer.gate;
        if gate.is_draining() {
            return Err(Fault::Draining);
        }
        self.admitted = gate.admit(snapshot.max_requests);
        self.admitted.then_some(()).ok_or(Fault::Overloaded)
    }

    pub fn answered(&mut self, answer: &mut Answer) {
        self.status = Some(answer.response.status());
        self.fault = answer.fault;
        self.entry = answer.entry.take();
        self.version = answer.version;
        self.received = answer.received.take();
        if matches!(answer.response.body(), Body::Events(_)) {
            self.make_room();
        }
    }

    /// Listeners have places of their own: those who only wait must not keep out those who ask.
    fn make_room(&mut self) {
        if std::mem::take(&mut self.admitted) {
            self.peer.gate.leave();
        }
    }

    fn log(&self, line: &Line, sample: &Sample<'_>) {
        let host = line
            .uri
            .host()
            .or_else(|| line.host.as_ref()?.to_str().ok());
        let component = self.entry.as_ref().and_then(|entry| entry.deployment());
        let version = component
            .zip(self.version)
            .map(|(c, index)| &c.versions()[index]);
        log_access(&AccessLine {
            id: line.id,
            client: self.peer.address,
            method: &self.method,
            host: host.unwrap_or(""),
            path: line.uri.path(),
            protocol: self.protocol,
            status: sample.status,
            route: self.entry.as_ref().map_or("", |entry| &entry.route.name),
            component: component.map(|component| component.name().as_str()),
            version: version.map(|version| version.name().as_str()),
            fault: self.fault.map(|fault| Fault::LABELS[fault]),
            aborted: !self.complete,
            request_bytes: sample.request_bytes.unwrap_or(0),
            response_bytes: sample.response_bytes,
            duration: sample.duration,
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let now = Instant::now();
        self.peer.pulse.end(now);
        self.make_room();
        let gone =
            || StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::BAD_REQUEST);
        let sample = Sample {
            method: &self.method,
            status: self.status.unwrap_or_else(gone),
            protocol: self.protocol,
            fault: self.fault,
            duration: now.duration_since(self.arrived),
            request_bytes: self.received.as_ref().and_then(RequestWatch::received),
            response_bytes: self.sent,
        };
        match &self.entry {
            Some(entry) => entry.metrics.record(&sample),
            None => self.peer.gate.unrouted().record(&sample),
        }
        if let Some(line) = &self.line {
            self.log(line, &sample);
        }
    }
}

/// A response body that keeps its record.
pub struct ObservedBody {
    body: Body,
    record: Record,
}

impl ObservedBody {
    pub(crate) fn new(body: Body, mut record: Record) -> Self {
        record.complete = body.is_end_stream();
        if let Some(stream) = &record.stream {
            stream.hand_over();
        }
        Self { body, record }
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let this = self.get_mut();
        if let Some(stream) = &this.record.stream {
            stream.take_back();
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let (Some(stream), Some(Ok(_))) = (&this.record.stream, &frame) {
            stream.hand_over();
        }
        match &frame {
            Some(Ok(frame)) => {
                this.record.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                this.record.complete = this.body.is_end_stream();
            }
            Some(Err(error)) => {
                this.record.complete = false;
                this.record.fault = Some(error.fault().index());
                tracing::debug!(%error, "response broke off");
            }
            None => this.record.complete = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
