//! Calls of WASI 0.3: one, or several at once in one instance.
//!
//! A call begins like any other, in the task of whoever asked. Only when its guest waits
//! does its instance become joinable: then it runs in a task of its own, and other requests
//! join it, at most `at_once` at a time. A request that is abandoned taints the instance,
//! since wasmtime cannot yet cancel one task of several: it takes no more, lets the others
//! finish, and is dropped.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::Accessor;
use wasmtime_wasi_http::p3::bindings::Service as Wasi03;
use wasmtime_wasi_http::{Error, FieldMap, WasiBody, p3};

use super::body::RequestBody;
use super::call::{Call, CallEnd, Scheme};
use super::cpu;
use super::error::InvokeError;
use super::exports::Http;
use super::guest::Guest;
use super::instance::Instance;
use super::invoke::{Head, content_length};
use super::join::Joinable;

/// A request on its way into an instance.
pub(crate) struct Job {
    pub request: http::Request<RequestBody>,
    pub call: Call,
    pub head: oneshot::Sender<Head>,
}

/// A place in an instance, given back when the request is over.
struct Place<'a>(Option<&'a Joinable>);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(joinable) = self.0 {
            joinable.give_place_back();
        }
    }
}

/// Serves `first`, and whoever joins, until all tasks of the guest are done.
pub(crate) async fn run(instance: &mut Instance, first: Job) -> wasmtime::Result<()> {
    let joinable = instance.joinable.clone();
    let Instance { store, exports, .. } = instance;
    let Some(Http::Wasi03(service)) = &exports.http else {
        return Err(wasmtime::Error::msg("not an instance of WASI 0.3"));
    };
    let Some(joinable) = joinable else {
        return store
            .run_concurrent(async |guest| serve_one(guest, service, first).await)
            .await?;
    };
    let Some(mut inbox) = joinable.begin(&first.call) else {
        return Err(wasmtime::Error::msg("the instance is already in use"));
    };
    let session = async |guest: &Accessor<Guest>| {
        serve_many(guest, service, first, &joinable, &mut inbox).await
    };
    let result = store.run_concurrent(session).await.flatten();
    // After a failure nobody may wait in there for a session that never comes.
    if result.is_ok() {
        instance.count_joined(joinable.end(inbox));
    }
    result
}

async fn serve_one(guest: &Accessor<Guest>, service: &Wasi03, job: Job) -> wasmtime::Result<()> {
    if let Some(response) = handle(guest, service, job.request, job.call).await? {
        let _ = job.head.send(response);
    }
    std::future::poll_fn(|cx| guest.poll_no_interesting_tasks(cx)).await;
    Ok(())
}

async fn serve_many(
    guest: &Accessor<Guest>,
    service: &Wasi03,
    first: Job,
    joinable: &Joinable,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
) -> wasmtime::Result<()> {
    let mut first = pin!(serve_shared(guest, service, first, joinable));
    let mut first_done = false;
    let mut others = FuturesUnordered::new();
    std::future::poll_fn(|cx| {
        loop {
            if !first_done && let Poll::Ready(result) = first.as_mut().poll(cx) {
                result?;
                first_done = true;
            }
            while let Poll::Ready(Some(result)) = others.poll_next_unpin(cx) {
                let result: wasmtime::Result<()> = result;
                result?;
            }
            if let Poll::Ready(Some(job)) = jobs.poll_recv(cx) {
                renew(guest, &job)?;
                others.push(serve_shared(guest, service, job, joinable));
                continue;
            }
            if !first_done || !others.is_empty() {
                return Poll::Pending;
            }
            let tainted = joinable.is_tainted();
            if !tainted && guest.poll_no_interesting_tasks(cx).is_pending() {
                return Poll::Pending;
            }
            if joinable.close() {
                return Poll::Ready(Ok(()));
            }
            // Somebody has taken a place and is about to send, or has changed their mind.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
    })
    .await
}

/// The budgets are the instance's. Each request that comes in renews cpu and fuel, and
/// brings its own outbound requests along.
fn renew(guest: &Accessor<Guest>, job: &Job) -> wasmtime::Result<()> {
    cpu::renew_budget();
    guest.with(|mut access| {
        let mut store = wasmtime::AsContextMut::as_context_mut(&mut access);
        let fuel = store.data().recipe().limits.fuel;
        let end = CallEnd::of(&job.call, &store.data().recipe().limits);
        store.data_mut().join(job.call.origin, end);
        store.data_mut().outgoing.follow_too(job.request.headers());
        fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel))
    })
}

/// One of several requests: it holds its place until its body has ended.
async fn serve_shared(
    guest: &Accessor<Guest>,
    service: &Wasi03,
    job: Job,
    joinable: &Joinable,
) -> wasmtime::Result<()> {
    let _place = Place(Some(joinable));
    let mut head = job.head;
    let mut answer = pin!(handle(guest, service, job.request, job.call));
    let answer = std::future::poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        head.poll_closed(cx).map(|()| None)
    });
    let Some(answer) = answer.await else {
        joinable.taint();
        return Ok(());
    };
    let Some(answer) = answer? else { return Ok(()) };
    let (ended, body_ended) = oneshot::channel();
    let answer = answer.map(|response| Tracked::wrap(response, ended));
    let failed = answer.is_err();
    if head.send(answer).is_err() || (!failed && body_ended.await.is_err()) {
        joinable.taint();
    }
    Ok(())
}

/// Calls the guest's handler. `None`: it has an answer that nobody can be told.
async fn handle(
    guest: &Accessor<Guest>,
    service: &Wasi03,
    request: http::Request<RequestBody>,
    call: Call,
) -> wasmtime::Result<Option<Head>> {
    let (target, (head, body)) = absolute(request.map(|body| body.body), call)?;
    let headers = guest.with(|mut access| {
        let hooks = &mut access.data_mut().outgoing;
        FieldMap::new_immutable(hooks, head.headers)
    });
    let http::uri::Parts {
        scheme,
        authority,
        path_and_query,
        ..
    } = target;
    let (request, sent) = p3::Request::new(
        head.method,
        scheme,
        authority,
        path_and_query,
        headers,
        None,
        body,
    );
    let answer = service.handle(guest, request).await?;
    guest.with(|mut access| access.data_mut().outgoing.end.answered());
    match answer {
        Ok(response) => {
            let response = guest.with(|mut access| response.into_http(&mut access, sent))?;
            Ok(Some(Ok(response)))
        }
        Err(code) => Ok(Some(Err(InvokeError::from_p3(code)))),
    }
}

/// WASI 0.3 takes scheme and authority from the target alone, so it must be absolute.
fn absolute(
    request: http::Request<WasiBody>,
    call: Call,
) -> wasmtime::Result<(http::uri::Parts, (http::request::Parts, WasiBody))> {
    let (mut head, body) = request.into_parts();
    let mut target = std::mem::take(&mut head.uri).into_parts();
    if target.authority.is_none()
        && let Some(host) = head.headers.get(http::header::HOST)
    {
        target.authority = Some(http::uri::Authority::try_from(host.as_bytes())?);
    }
    target.scheme = Some(match call.scheme {
        Scheme::Http => http::uri::Scheme::HTTP,
        Scheme::Https => http::uri::Scheme::HTTPS,
    });
    Ok((target, (head, body)))
}

/// A body that tells whether it was read to its end.
struct Tracked {
    body: WasiBody,
    /// Bytes still to come, where the guest has said so: hyper does not ask for more.
    left: Option<u64>,
    ended: Option<oneshot::Sender<()>>,
}

impl Tracked {
    fn wrap(
        response: http::Response<WasiBody>,
        ended: oneshot::Sender<()>,
    ) -> http::Response<WasiBody> {
        let left = content_length(response.headers()).filter(|length| *length > 0);
        let ended = Some(ended);
        response.map(|body| Self { body, left, ended }.boxed_unsync())
    }

    fn has_ended(&mut self, frame: Option<&Result<Frame<Bytes>, Error>>) -> bool {
        let Some(Ok(frame)) = frame else { return true };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.left = self.left.map(|left| left.saturating_sub(bytes));
        self.left == Some(0)
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if self.has_ended(frame.as_ref())
            && let Some(ended) = self.ended.take()
        {
            let _ = ended.send(());
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
