//! Copies of requests, sent to another component whose answers nobody sees: they are only
//! compared. Its instances are apart from those that serve, and have no effect outside.
//!
//! A copy never holds up its original: it begins when the original has its answer, and is
//! left out where its body is large, where the body was not read to its end, or where too
//! many copies are under way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::Semaphore;

use crate::component::{Call, RequestBody};
use crate::config;
use crate::core::{ComponentName, RequestId};
use crate::lifecycle::{Ask, Deployment, Deployments};
use crate::monitoring::{MirrorMetrics, Mirrored};

/// Bytes of a request body that is copied.
const LARGEST_BODY: usize = 64 << 10;
/// Copies under way, over all routes.
const AT_ONCE: usize = 64;

/// How long the answer to a copy is read.
const LONGEST_COPY: Duration = Duration::from_secs(60);
/// Never met, as the body is there.
const BODY_IDLE: Duration = Duration::from_secs(30);

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// Where the copies of one route go.
pub(crate) struct Mirror {
    component: ComponentName,
    percent: u8,
    /// `None` where no version of it can serve copies.
    shadow: Option<Arc<Deployment>>,
    metrics: Arc<MirrorMetrics>,
}

impl Mirror {
    pub fn new(mirror: &config::Mirror, route: &str, deployments: &Deployments) -> Self {
        Self {
            component: mirror.component.clone(),
            percent: mirror.percent,
            shadow: shadow(&mirror.component, deployments),
            metrics: Arc::new(MirrorMetrics::new(route, &mirror.component)),
        }
    }

    /// The same, to what is deployed now.
    pub fn with(self: &Arc<Self>, deployments: &Deployments) -> Arc<Self> {
        let shadow = shadow(&self.component, deployments);
        let is_same = match (&self.shadow, &shadow) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if is_same {
            return self.clone();
        }
        Arc::new(Self {
            component: self.component.clone(),
            metrics: self.metrics.clone(),
            percent: self.percent,
            shadow,
        })
    }

    /// A request's copy, if it is to have one: always as many of a hundred.
    pub fn copy(
        &self,
        id: RequestId,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<Copy> {
        if (u128::from(id.spread()) * 100) >> 64 >= u128::from(self.percent) {
            return None;
        }
        Some(Copy {
            shadow: self.shadow.clone()?,
            metrics: self.metrics.clone(),
            method: method.clone(),
            uri: uri.clone(),
            headers: headers.clone(),
            tape: Arc::default(),
        })
    }
}

fn shadow(component: &ComponentName, deployments: &Deployments) -> Option<Arc<Deployment>> {
    deployments.get(component)?.shadow().cloned()
}

/// One request as it was sent, but for its body, which is taped as the original is read.
pub(crate) struct Copy {
    shadow: Arc<Deployment>,
    metrics: Arc<MirrorMetrics>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    tape: Arc<Mutex<Tape>>,
}

impl Copy {
    /// The original's body, listened to.
    pub fn tape<B>(&self, body: B) -> Taped<B>
    where
        B: Body<Data = Bytes>,
    {
        if body.is_end_stream() {
            self.lock().complete = true;
        }
        Taped {
            body,
            tape: self.tape.clone(),
        }
    }

    /// Sends it, now that the original has been answered with `status` after `took`.
    pub fn send(self, ask: Ask, call: Call, status: Option<StatusCode>, took: Duration) {
        let Some(body) = self.lock().take() else {
            return self.metrics.count(Mirrored::Skipped);
        };
        let Ok(room) = ROOM.try_acquire() else {
            return self.metrics.count(Mirrored::Skipped);
        };
        // Nobody waits for it: a drain ends without it.
        tokio::spawn(async move {
            self.compare(ask, call, status, took, body).await;
            drop(room);
        });
    }

    async fn compare(
        self,
        ask: Ask,
        call: Call,
        original: Option<StatusCode>,
        took: Duration,
        body: Bytes,
    ) {
        let (index, _) = self.shadow.pick(&ask, &self.headers);
        let version = &self.shadow.versions()[index];
        let limit = version.limits().max_request_body;
        let body = Full::new(body);
        let body = RequestBody::new(body, limit, BODY_IDLE);
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        let began = Instant::now();
        let call = Call {
            arrived: began,
            ..call
        };
        let response = match version.serve(request, call).await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(component = %version.component(), %error, "a copied request failed");
                return self.metrics.count(Mirrored::Failed);
            }
        };
        self.metrics.compare(took, began.elapsed());
        self.metrics
            .count(match original == Some(response.status()) {
                true => Mirrored::Same,
                false => Mirrored::Differs,
            });
        // The guest runs to its end as the original did; its limits are those of the component.
        let mut body = response.into_body();
        let read = async { while let Some(Ok(_)) = body.frame().await {} };
        // An endless stream has no client here whose leaving would end it.
        let _ = tokio::time::timeout(LONGEST_COPY, read).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been read of a body.
#[derive(Default)]
struct Tape {
    pieces: Vec<Bytes>,
    length: usize,
    complete: bool,
    too_large: bool,
}

impl Tape {
    fn hear(&mut self, piece: &Bytes) {
        self.length = self.length.saturating_add(piece.len());
        self.too_large |= self.length > LARGEST_BODY;
        if self.too_large {
            self.pieces = Vec::new();
        } else if !piece.is_empty() {
            // A copy, so that a small piece does not keep the buffer it came in.
            self.pieces.push(Bytes::copy_from_slice(piece));
        }
    }

    /// The whole body, where it is one.
    fn take(&mut self) -> Option<Bytes> {
        let whole = self.complete && !self.too_large;
        whole.then(|| std::mem::take(&mut self.pieces).concat().into())
    }
}

/// A body that is taped while it is read.
pub(crate) struct Taped<B> {
    body: B,
    tape: Arc<Mutex<Tape>>,
}

impl<B> Body for Taped<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let mut tape = this.tape.lock().unwrap_or_else(PoisonError::into_inner);
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    tape.hear(piece);
                }
                tape.complete |= this.body.is_end_stream();
            }
            Some(Err(_)) => {}
            None => tape.complete = true,
        }
        drop(tape);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
