//! One call of a guest: request in, response head and body stream out.
//!
//! The call is polled in the task of whoever asked, so a guest that answers at once costs
//! no hand-over. It moves to a task of its own when its response streams, and to the slow
//! lane when it computes for long. Dropping the returned future or body cancels it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::body::{RequestBody, RequestWatch, ResponseBody, collect_ready};
use super::call::{Call, Scheme};
use super::cpu::Metered;
use super::error::InvokeError;
use super::instance::{Instance, Recipe, Service, Usage};
use super::lane::SlowLane;
use super::session::{self, Job, Joinable};
use crate::core::ByteSize;

/// The right to use an instance for one call. Dropping it discards the instance.
pub trait Lease: Send + 'static {
    fn instance(&mut self) -> &mut Instance;

    /// The call ended, and how. The instance may be leased again only after `Ok`.
    fn finish(self, usage: Usage, result: Result<(), InvokeError>);
}

/// What a guest answers.
pub(crate) type Head = Result<http::Response<WasiBody>, InvokeError>;

/// Frames that are taken with the head, before the response counts as a stream.
const READY_FRAMES: usize = 16;
/// How often guest and body are polled in turn while both make progress.
const TURNS: usize = 8;

/// Calls the guest behind `lease`.
///
/// # Errors
/// Everything that keeps the guest from an answer of its own before its head is sent;
/// what happens later is an error of the body.
pub async fn invoke<L: Lease>(
    mut lease: L,
    request: http::Request<RequestBody>,
    call: Call,
) -> Result<http::Response<ResponseBody>, InvokeError> {
    let instance = lease.instance();
    instance.arm(&call)?;
    let frame = Frames::new(instance, &request, call);
    let (head, heads) = oneshot::channel();
    let running = Box::pin(Metered::new(run(
        lease,
        Job {
            request,
            call,
            head,
        },
    )));
    let first = First {
        running,
        heads,
        answer: None,
        ready: VecDeque::new(),
        ended: false,
    };
    let deadline = Deadline::at(frame.head_deadline);
    let response = match frame.recipe.pace.is_slow() {
        true => first.wait(&frame, deadline, Lane::Slow).await,
        false => first.answer(&frame, deadline).await,
    };
    // A client that broke its request off is to blame for whatever the guest made of it.
    frame.watch.error().map_or(response, Err)
}

/// Runs the guest to its end. The lease travels with it, so that dropping one drops both.
async fn run<L: Lease>(mut lease: L, job: Job) -> (L, Result<(), InvokeError>) {
    let instance = lease.instance();
    let result = match &instance.service {
        Service::Wasi02(_) => call_02(instance, job).await,
        Service::Wasi03(_) => session::run(instance, job).await,
    };
    let result = result.map_err(|error| InvokeError::classify(error, instance.memory_refused()));
    (lease, result)
}

async fn call_02(instance: &mut Instance, job: Job) -> wasmtime::Result<()> {
    let Instance {
        store,
        service: Service::Wasi02(proxy),
        ..
    } = instance
    else {
        return Err(wasmtime::Error::msg("not an instance of WASI 0.2"));
    };
    let scheme = match job.call.scheme {
        Scheme::Http => p2::Scheme::Http,
        Scheme::Https => p2::Scheme::Https,
    };
    let request = job.request.map(|body| body.body);
    let head = job.head;
    let mut view = store.data_mut().http();
    let request = view.new_incoming_request(scheme, request)?;
    let outparam = view.new_response_outparam_from_callback(move |answer| {
        let _ = head.send(answer.map_err(InvokeError::from_p2));
    })?;
    proxy
        .wasi_http_incoming_handler()
        .call_handle(store, request, outparam)
        .await
}

/// What frames one call: its deadlines, its limits, and who shares its instance.
struct Frames {
    head_deadline: Instant,
    stream_deadline: Option<Instant>,
    max_response_body: Option<ByteSize>,
    lane: Arc<SlowLane>,
    recipe: Arc<Recipe>,
    joinable: Option<Arc<Joinable>>,
    watch: RequestWatch,
}

impl Frames {
    fn new(instance: &Instance, request: &http::Request<RequestBody>, call: Call) -> Self {
        let limits = instance.limits();
        let arrived = Instant::from_std(call.arrived);
        let frames = Self {
            head_deadline: arrived + limits.timeout,
            stream_deadline: limits.stream_timeout.map(|timeout| arrived + timeout),
            max_response_body: limits.max_response_body,
            lane: instance.lane.clone(),
            recipe: instance.recipe().clone(),
            joinable: instance.joinable.clone(),
            watch: request.body().watch(),
        };
        if let Some(joinable) = &frames.joinable {
            joinable.extend_deadline(frames.stream_deadline);
        }
        frames
    }
}

/// A timer that is only made when something really waits.
struct Deadline {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn at(at: Instant) -> Self {
        Self {
            at: Some(at),
            timer: None,
        }
    }

    fn maybe(at: Option<Instant>) -> Self {
        Self { at, timer: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        timer.as_mut().poll(cx)
    }
}

/// The call while it is polled in the task of the one who asked.
struct First<F> {
    running: Pin<Box<Metered<F>>>,
    heads: oneshot::Receiver<Head>,
    answer: Option<Head>,
    ready: VecDeque<Frame<Bytes>>,
    /// The body is complete in `ready`.
    ended: bool,
}

/// What became of it.
enum Turn<L> {
    /// The guest is done.
    Done(L, Result<(), InvokeError>, Duration),
    /// The head is there and the guest goes on.
    Streams,
    /// The guest computes for long, without an answer yet.
    Overran,
    /// The guest waits without an answer, and others may join it meanwhile.
    Waits,
}

impl<L: Lease, F> First<F>
where
    F: Future<Output = (L, Result<(), InvokeError>)> + Send + 'static,
{
    /// Polls the guest here until it is clear how it goes on.
    async fn answer(mut self, frame: &Frames, mut deadline: Deadline) -> Answer {
        let joinable = frame.joinable.is_some();
        let turn = std::future::poll_fn(|cx| match self.poll(cx, joinable) {
            Poll::Ready(turn) => Poll::Ready(Ok(turn)),
            Poll::Pending => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
        });
        match turn.await? {
            Turn::Done(lease, result, cpu) => self.whole(lease, result, cpu, frame),
            Turn::Streams => self.stream(frame),
            Turn::Overran => self.wait(frame, deadline, Lane::Slow).await,
            Turn::Waits => self.wait(frame, deadline, Lane::Fast).await,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, joinable: bool) -> Poll<Turn<L>> {
        for _ in 0..TURNS {
            let done = self.running.as_mut().poll(cx);
            let before = self.ready.len();
            self.poll_answer(cx);
            if let Poll::Ready(((lease, result), cpu)) = done {
                return Poll::Ready(Turn::Done(lease, result, cpu));
            }
            // Taking frames makes room for the guest to go on.
            if self.ready.len() == before {
                break;
            }
        }
        if self.answer.is_some() {
            Poll::Ready(Turn::Streams)
        } else if self.running.overran() {
            Poll::Ready(Turn::Overran)
        } else if joinable {
            Poll::Ready(Turn::Waits)
        } else {
            Poll::Pending
        }
    }

    /// Takes the head, and what is there of the body.
    fn poll_answer(&mut self, cx: &mut Context<'_>) {
        if self.answer.is_none()
            && let Poll::Ready(Ok(answer)) = Pin::new(&mut self.heads).poll(cx)
        {
            self.answer = Some(answer);
        }
        if self.ended {
            return;
        }
        if let Some(Ok(response)) = &mut self.answer {
            match collect_ready(response.body_mut(), &mut self.ready, READY_FRAMES, cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.ended = true,
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "response body failed");
                    self.answer = Some(Err(InvokeError::BadResponse("its body was broken off")));
                }
            }
        }
    }

    /// The guest is done: its answer is complete, or never will be.
    fn whole(
        mut self,
        mut lease: L,
        mut result: Result<(), InvokeError>,
        cpu: Duration,
        frame: &Frames,
    ) -> Answer {
        let open = result.is_ok() && !self.ended && lease.instance().has_open_body();
        if open {
            result = Err(InvokeError::BadResponse(
                "it returned without finishing its body",
            ));
        }
        let usage = lease.instance().usage(cpu);
        let answer = match (&result, self.answer.take()) {
            (Err(error), _) => Err(error.clone()),
            (Ok(()), None) => Err(InvokeError::NoResponse),
            (Ok(()), Some(answer)) => answer,
        };
        // A guest that returned without an answer may be broken for good.
        let result = match &answer {
            Err(error @ InvokeError::NoResponse) => Err(error.clone()),
            _ => result,
        };
        lease.finish(usage, result);
        let response = answer?;
        if self.ended {
            return finish(response, self.ready, None, frame);
        }
        // More frames than were taken: the rest waits in the channel.
        finish(response, self.ready, Some(Verdict::Settled), frame)
    }

    /// The guest goes on in a task of its own while its body streams.
    fn stream(mut self, frame: &Frames) -> Answer {
        let answer = self.answer.take();
        let ready = std::mem::take(&mut self.ready);
        let lane = if self.running.overran() {
            Lane::Slow
        } else {
            Lane::Fast
        };
        let (mut verdict, _heads) = self.detach(frame, lane);
        match answer {
            Some(Ok(response)) => finish(response, ready, Some(verdict), frame),
            Some(Err(error)) => {
                verdict.let_finish();
                Err(error)
            }
            None => Err(InvokeError::NoResponse),
        }
    }

    /// The guest goes on in a task of its own before it has answered.
    async fn wait(self, frame: &Frames, mut deadline: Deadline, lane: Lane) -> Answer {
        let (mut verdict, mut heads) = self.detach(frame, lane);
        let answer = std::future::poll_fn(|cx| {
            if let Poll::Ready(Some(failure)) = verdict.poll_failure(cx) {
                return Poll::Ready(Err(failure));
            }
            match Pin::new(&mut heads).poll(cx) {
                Poll::Ready(Ok(answer)) => Poll::Ready(answer),
                // The sender is gone, so the call is over; its verdict says how.
                Poll::Ready(Err(_)) if verdict.is_settled() => {
                    Poll::Ready(Err(verdict.failure().unwrap_or(InvokeError::NoResponse)))
                }
                _ => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
            }
        });
        match answer.await {
            Ok(response) => finish(response, VecDeque::new(), Some(verdict), frame),
            Err(error) => {
                if matches!(error, InvokeError::GuestError { .. }) {
                    verdict.let_finish();
                }
                Err(error)
            }
        }
    }

    fn detach(self, frame: &Frames, lane: Lane) -> (Verdict, oneshot::Receiver<Head>) {
        if self.running.overran() {
            frame.recipe.pace.judge(true);
        }
        let (result, results) = oneshot::channel();
        let (cancel, cancelled) = oneshot::channel();
        let task = Detached {
            running: self.running,
            deadline: Deadline::maybe(frame.stream_deadline),
            cancelled: Some(cancelled),
            result: Some(result),
            joinable: frame.joinable.clone(),
            recipe: frame.recipe.clone(),
            lane,
        };
        let verdict = match &frame.joinable {
            // Others depend on this instance: nobody's leaving may end it.
            Some(joinable) => {
                let _ = cancel.send(());
                // An instance that computes has no time for others.
                if lane == Lane::Fast {
                    joinable.open();
                }
                Verdict::Shared(joinable.clone())
            }
            None => Verdict::Own {
                results,
                result: None,
                cancel: Some(cancel),
            },
        };
        let slow = frame.lane.clone();
        match lane {
            Lane::Fast => drop(tokio::spawn(async move {
                if let Some(mut task) = task.drive(true).await {
                    task.lane = Lane::Slow;
                    task.recipe.pace.judge(true);
                    slow.spawn(async move { drop(task.drive(false).await) });
                }
            })),
            Lane::Slow => slow.spawn(async move { drop(task.drive(false).await) }),
        }
        (verdict, self.heads)
    }
}

type Answer = Result<http::Response<ResponseBody>, InvokeError>;

/// Puts head and body together; the head must be one that HTTP can carry.
fn finish(
    response: http::Response<WasiBody>,
    ready: VecDeque<Frame<Bytes>>,
    verdict: Option<Verdict>,
    frame: &Frames,
) -> Answer {
    check_head(&response)?;
    let (parts, body) = response.into_parts();
    let body = match verdict {
        None => ResponseBody::whole(ready, frame.max_response_body),
        Some(verdict) => ResponseBody::streaming(ready, body, verdict, frame.max_response_body),
    };
    Ok(http::Response::from_parts(parts, body))
}

/// A handler answers with a final status (RFC 9110 §15.2), and there is none above 599.
pub(crate) fn check_head(response: &http::Response<WasiBody>) -> Result<(), InvokeError> {
    match response.status().as_u16() {
        200..600 => Ok(()),
        _ => Err(InvokeError::BadResponse("its status is not a final one")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Fast,
    Slow,
}

/// A call in a task of its own.
struct Detached<F> {
    running: Pin<Box<Metered<F>>>,
    deadline: Deadline,
    cancelled: Option<oneshot::Receiver<()>>,
    result: Option<oneshot::Sender<Result<(), InvokeError>>>,
    joinable: Option<Arc<Joinable>>,
    recipe: Arc<Recipe>,
    lane: Lane,
}

impl<L: Lease, F> Detached<F>
where
    F: Future<Output = (L, Result<(), InvokeError>)> + Send + 'static,
{
    /// Runs until the guest is done, cancelled or out of time. With `leave` it gives
    /// itself back as soon as the guest computes for long.
    async fn drive(mut self, leave: bool) -> Option<Self> {
        std::future::poll_fn(|cx| self.poll(cx, leave))
            .await
            .then_some(self)
    }

    /// Ready with whether the task must go on elsewhere.
    fn poll(&mut self, cx: &mut Context<'_>, leave: bool) -> Poll<bool> {
        if let Poll::Ready(((lease, result), cpu)) = self.running.as_mut().poll(cx) {
            self.end(lease, result, cpu);
            return Poll::Ready(false);
        }
        if let Some(cancelled) = &mut self.cancelled {
            match Pin::new(cancelled).poll(cx) {
                Poll::Ready(Ok(())) => self.cancelled = None,
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending => {}
            }
        }
        if self.poll_deadline(cx).is_ready() {
            self.tell(Err(InvokeError::Timeout));
            return Poll::Ready(false);
        }
        if leave && self.running.overran() {
            Poll::Ready(true)
        } else {
            Poll::Pending
        }
    }

    /// A shared instance lives as long as the last request that joined it may.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(joinable) = &self.joinable {
            let at = joinable.deadline();
            if self.deadline.at != at {
                self.deadline = Deadline::maybe(at);
            }
        }
        self.deadline.poll(cx)
    }

    fn end(&mut self, mut lease: L, mut result: Result<(), InvokeError>, cpu: Duration) {
        if result.is_ok() && lease.instance().has_open_body() {
            result = Err(InvokeError::BadResponse(
                "it returned without finishing its body",
            ));
        }
        let usage = lease.instance().usage(cpu);
        // Told before the store goes, because the end of the store ends the body.
        self.tell(result.clone());
        lease.finish(usage, result);
    }

    fn tell(&mut self, result: Result<(), InvokeError>) {
        if let (Some(joinable), Err(error)) = (&self.joinable, &result) {
            joinable.fail(error.clone());
        }
        if let Some(sender) = self.result.take() {
            let _ = sender.send(result);
        }
    }
}

impl<F> Drop for Detached<F> {
    fn drop(&mut self) {
        if let Some(joinable) = &self.joinable {
            joinable.leave();
        }
        if self.lane == Lane::Slow {
            self.recipe.pace.judge(self.running.overran());
        }
    }
}

/// How a body's guest ended, for the one who reads the body.
pub(crate) enum Verdict {
    /// It was done before the body was.
    Settled,
    /// It runs for this body alone: dropping the verdict cancels it.
    Own {
        results: oneshot::Receiver<Result<(), InvokeError>>,
        result: Option<Result<(), InvokeError>>,
        cancel: Option<oneshot::Sender<()>>,
    },
    /// It serves others too.
    Shared(Arc<Joinable>),
}

impl Verdict {
    /// The failure, if it is known by now.
    pub fn failure(&mut self) -> Option<InvokeError> {
        match self {
            Self::Settled => None,
            Self::Own {
                results, result, ..
            } => {
                if result.is_none() {
                    *result = results.try_recv().ok();
                }
                result
                    .as_ref()
                    .and_then(|result| result.as_ref().err().cloned())
            }
            Self::Shared(joinable) => joinable.failure(),
        }
    }

    /// Ready with the failure once the guest has ended; for an own guest only.
    fn poll_failure(&mut self, cx: &mut Context<'_>) -> Poll<Option<InvokeError>> {
        match self {
            Self::Own {
                results,
                result: result @ None,
                ..
            } => {
                let ended = std::task::ready!(Pin::new(results).poll(cx));
                *result = Some(ended.unwrap_or(Err(InvokeError::Interrupted)));
                Poll::Ready(self.failure())
            }
            _ => Poll::Pending,
        }
    }

    fn is_settled(&self) -> bool {
        match self {
            Self::Own { result, .. } => result.is_some(),
            Self::Settled | Self::Shared(_) => true,
        }
    }

    /// The body is over; the guest may end what it still does.
    pub fn let_finish(&mut self) {
        if let Self::Own { cancel, .. } = self
            && let Some(cancel) = cancel.take()
        {
            let _ = cancel.send(());
        }
    }
}
