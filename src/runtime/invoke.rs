//! One call of a guest: request in, response head and body stream out.
//!
//! The call is polled in the task of whoever asked, so a guest that answers at once costs
//! no hand-over. It moves to a task of its own when its response streams, and to the slow
//! lane when it computes for long. Dropping the returned future or body cancels it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::Frame;
use tokio::sync::oneshot;
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::body::{RequestBody, ResponseBody, collect_ready};
use super::call::{Call, Scheme};
use super::cpu::Metered;
use super::detached::{Lane, Verdict, detach};
use super::error::{InvokeError, NoHandler, Unanswered};
use super::exports::Http;
use super::instance::{Instance, Usage, has};
use super::session::{self, Job};
use super::terms::{Deadline, Terms};

/// The right to use an instance for one call. Dropping it discards the instance.
pub trait Lease: Send + 'static {
    fn instance(&mut self) -> &mut Instance;

    /// Whether the instance can serve again at all.
    fn is_reusable(&self) -> bool;

    /// How the call went, before anybody is told: the next request may follow at once.
    fn judge(&mut self, result: &Result<(), InvokeError>);

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
    instance.arm(&call, request.headers())?;
    let terms = Terms::new(instance, &request, call);
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
        heads: Heads(Some(heads)),
        answer: None,
        ready: VecDeque::new(),
        ended: false,
    };
    let deadline = Deadline::at(terms.head_deadline);
    let response = match terms.recipe.pace.is_slow() {
        true => first.wait(&terms, deadline, Lane::Slow).await,
        false => first.answer(&terms, deadline).await,
    };
    // A client that broke its request off is to blame for whatever the guest made of it.
    terms.watch.error().map_or(response, Err)
}

/// Runs the guest to its end. The lease travels with it, so that dropping one drops both.
async fn run<L: Lease>(mut lease: L, job: Job) -> (L, Result<(), InvokeError>) {
    let instance = lease.instance();
    let result = match &instance.exports.http {
        Some(Http::Wasi02(_)) => call_02(instance, job).await,
        Some(Http::Wasi03(_)) => session::run(instance, job).await,
        None => Err(wasmtime::Error::new(NoHandler)),
    };
    let result = result.map_err(|error| InvokeError::classify(error, instance.memory_refused()));
    (lease, result)
}

async fn call_02(instance: &mut Instance, job: Job) -> wasmtime::Result<()> {
    let Instance { store, exports, .. } = instance;
    let Some(Http::Wasi02(proxy)) = &exports.http else {
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
        .call_handle(&mut *store, request, outparam)
        .await?;
    // An outparam that is still there was never set, and never will be.
    if has::<HostResponseOutparam>(store.data_mut().table()) {
        return Err(wasmtime::Error::new(Unanswered));
    }
    Ok(())
}

/// Where the head comes from: once, or never.
struct Heads(Option<oneshot::Receiver<Head>>);

impl Heads {
    /// Ready with nothing when the guest can no longer answer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Head>> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let head = ready!(Pin::new(receiver).poll(cx));
        self.0 = None;
        Poll::Ready(head.ok())
    }

    /// What has come. A future that has used up its turn (tokio's coop) says that it is
    /// pending when it is not, so who knows that the guest is done asks here.
    fn take_now(&mut self) -> Option<Head> {
        self.0.take()?.try_recv().ok()
    }
}

/// The call while it is polled in the task of the one who asked.
struct First<F> {
    running: Pin<Box<Metered<F>>>,
    heads: Heads,
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
    async fn answer(mut self, terms: &Terms, mut deadline: Deadline) -> Answer {
        let joinable = terms.joinable.is_some();
        let turn = std::future::poll_fn(|cx| match self.poll(cx, joinable) {
            Poll::Ready(turn) => Poll::Ready(Ok(turn)),
            Poll::Pending => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
        });
        match turn.await? {
            Turn::Done(lease, result, cpu) => self.whole(lease, result, cpu, terms),
            Turn::Streams => self.stream(terms),
            Turn::Overran => self.wait(terms, deadline, Lane::Slow).await,
            Turn::Waits => self.wait(terms, deadline, Lane::Fast).await,
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
            && let Poll::Ready(answer) = self.heads.poll(cx)
        {
            self.answer = answer;
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
        terms: &Terms,
    ) -> Answer {
        if self.answer.is_none() {
            self.answer = self.heads.take_now();
        }
        let open = result.is_ok() && !self.ended && lease.instance().has_open_body();
        if open {
            result = Err(InvokeError::BadResponse(
                "it returned without finishing its body",
            ));
        }
        let usage = lease.instance().settle(cpu);
        let answer = match (&result, self.answer.take()) {
            (Err(error), _) => Err(error.clone()),
            (Ok(()), None) => Err(InvokeError::NoResponse),
            (Ok(()), Some(answer)) => answer,
        };
        // A guest that did not answer as it should may be broken for good. One that says
        // so itself is not.
        let result = match &answer {
            Err(error) if !matches!(error, InvokeError::GuestError { .. }) => Err(error.clone()),
            _ => result,
        };
        lease.judge(&result);
        lease.finish(usage, result);
        let response = answer?;
        if self.ended {
            return finish(response, self.ready, None, terms);
        }
        // More frames than were taken: the rest waits in the channel.
        finish(response, self.ready, Some(Verdict::Settled), terms)
    }

    /// The guest goes on in a task of its own while its body streams.
    fn stream(mut self, terms: &Terms) -> Answer {
        let answer = self.answer.take();
        let ready = std::mem::take(&mut self.ready);
        let lane = if self.running.overran() {
            Lane::Slow
        } else {
            Lane::Fast
        };
        let mut verdict = detach(self.running, terms, lane);
        match answer {
            Some(Ok(response)) => finish(response, ready, Some(verdict), terms),
            Some(Err(error)) => {
                verdict.let_finish();
                Err(error)
            }
            None => Err(InvokeError::NoResponse),
        }
    }

    /// The guest goes on in a task of its own before it has answered.
    async fn wait(self, terms: &Terms, mut deadline: Deadline, lane: Lane) -> Answer {
        let mut heads = self.heads;
        let mut verdict = detach(self.running, terms, lane);
        let answer = std::future::poll_fn(|cx| {
            let ended = match verdict.poll_ended(cx) {
                Poll::Ready(Some(failure)) => return Poll::Ready(Err(failure)),
                Poll::Ready(None) => true,
                Poll::Pending => false,
            };
            match heads.poll(cx) {
                Poll::Ready(Some(answer)) => Poll::Ready(answer),
                _ if ended => Poll::Ready(heads.take_now().unwrap_or(Err(InvokeError::NoResponse))),
                _ => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
            }
        });
        match answer.await {
            Ok(response) => finish(response, VecDeque::new(), Some(verdict), terms),
            Err(error) => {
                if matches!(error, InvokeError::GuestError { .. }) {
                    verdict.let_finish();
                }
                Err(error)
            }
        }
    }
}

type Answer = Result<http::Response<ResponseBody>, InvokeError>;

/// Puts head and body together; the head must be one that HTTP can carry.
fn finish(
    response: http::Response<WasiBody>,
    ready: VecDeque<Frame<Bytes>>,
    verdict: Option<Verdict>,
    terms: &Terms,
) -> Answer {
    check_head(&response)?;
    let declared = content_length(response.headers());
    let (parts, body) = response.into_parts();
    let limit = terms.max_response_body;
    let body = match verdict {
        None => ResponseBody::whole(ready, declared, limit)?,
        Some(verdict) => ResponseBody::streaming(ready, declared, body, verdict, limit),
    };
    Ok(http::Response::from_parts(parts, body))
}

/// What the guest says of its body. The host has checked that there is at most one such
/// field and that it is a number.
pub(crate) fn content_length(headers: &http::HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A handler answers with a final status (RFC 9110 §15.2), and there is none above 599.
pub(crate) fn check_head(response: &http::Response<WasiBody>) -> Result<(), InvokeError> {
    match response.status().as_u16() {
        200..600 => Ok(()),
        _ => Err(InvokeError::BadResponse("its status is not a final one")),
    }
}
