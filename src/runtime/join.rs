//! Joining an instance that already serves other requests (WASI 0.3 only).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::body::{RequestBody, ResponseBody};
use super::call::Call;
use super::detached::Verdict;
use super::error::InvokeError;
use super::instance::Instance;
use super::invoke::{Head, check_head};
use super::session::Job;
use crate::core::Limits;

/// The instances of one version that others may join.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<Vec<Arc<Joinable>>>,
}

/// No instance can be joined now; here is the request back.
pub struct JoinError(pub http::Request<RequestBody>);

impl Sessions {
    /// Lets a request join an instance that already serves another.
    ///
    /// # Errors
    /// The outer one: no instance has room. The inner one: the guest failed.
    pub async fn join(
        &self,
        request: http::Request<RequestBody>,
        call: Call,
        limits: &Limits,
    ) -> Result<Result<http::Response<ResponseBody>, InvokeError>, JoinError> {
        let watch = request.body().watch();
        let Some((joinable, answer)) = self.enter(request, call)? else {
            return Ok(Err(InvokeError::Interrupted));
        };
        let arrived = Instant::from_std(call.arrived);
        joinable.extend_deadline(limits.stream_timeout.map(|timeout| arrived + timeout));
        let answer = match tokio::time::timeout_at(arrived + limits.timeout, answer).await {
            Err(_elapsed) => Err(InvokeError::Timeout),
            Ok(Err(_gone)) => Err(joinable.failure().unwrap_or(InvokeError::NoResponse)),
            Ok(Ok(answer)) => answer,
        };
        let limit = limits.max_response_body;
        Ok(answer.and_then(|response| {
            if let Some(error) = watch.error() {
                return Err(error);
            }
            check_head(&response)?;
            Ok(response.map(|body| {
                let verdict = Verdict::Shared(joinable);
                ResponseBody::streaming(Default::default(), body, verdict, limit)
            }))
        }))
    }

    /// Takes a place in the first instance that has one.
    #[allow(clippy::type_complexity)]
    #[allow(clippy::result_large_err, reason = "the request itself is handed back")]
    fn enter(
        &self,
        request: http::Request<RequestBody>,
        call: Call,
    ) -> Result<Option<(Arc<Joinable>, oneshot::Receiver<Head>)>, JoinError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(joinable) = open.iter().find(|joinable| joinable.take_place()) else {
            return Err(JoinError(request));
        };
        let (head, answer) = oneshot::channel();
        match joinable.jobs.send(Job {
            request,
            call,
            head,
        }) {
            Ok(()) => Ok(Some((joinable.clone(), answer))),
            Err(_ended) => Ok(None),
        }
    }

    fn remove(&self, joinable: &Joinable) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !std::ptr::eq(&**other, joinable));
    }
}

/// The door of an instance that serves several requests at once.
pub(crate) struct Joinable {
    sessions: Arc<Sessions>,
    at_once: u32,
    /// Requests inside; `CLOSED` when the session is over.
    inside: AtomicU32,
    /// Requests it may still begin.
    left: AtomicU32,
    joined: AtomicU32,
    tainted: AtomicBool,
    failure: OnceLock<InvokeError>,
    deadline: Mutex<Option<Instant>>,
    jobs: mpsc::UnboundedSender<Job>,
    /// Unbounded as a channel, bounded by `at_once` in fact.
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Job>>>,
}

const CLOSED: u32 = u32::MAX;

impl Joinable {
    fn take_place(&self) -> bool {
        if self.tainted.load(Ordering::Relaxed) {
            return false;
        }
        let enter = |inside: u32| (inside < self.at_once).then(|| inside + 1);
        if self
            .inside
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, enter)
            .is_err()
        {
            return false;
        }
        let take = |left: u32| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .is_err()
        {
            self.inside.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        self.joined.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Others may come in from now on.
    pub fn open(self: &Arc<Self>) {
        let mut open = self
            .sessions
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.push(self.clone());
    }

    /// Nobody comes in any more.
    pub fn leave(&self) {
        self.sessions.remove(self);
    }

    pub fn failure(&self) -> Option<InvokeError> {
        self.failure.get().cloned()
    }

    pub fn fail(&self, error: InvokeError) {
        self.taint();
        let _ = self.failure.set(error);
    }

    pub fn taint(&self) {
        self.tainted.store(true, Ordering::Relaxed);
    }

    pub fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest request's deadline counts; `None` is never.
    pub fn extend_deadline(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Ends the session, unless somebody is coming in.
    pub fn close(&self) -> bool {
        self.inside
            .compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Joinable {
    /// Begins a session with one request inside, and hands out the inbox of those who join.
    pub fn begin(&self) -> Option<mpsc::UnboundedReceiver<Job>> {
        self.inside.store(1, Ordering::Release);
        let take = |left: u32| left.checked_sub(1);
        let _ = self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        self.inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Ends a session. Answers how many have joined it.
    pub fn end(&self, inbox: mpsc::UnboundedReceiver<Job>) -> u32 {
        *self.inbox.lock().unwrap_or_else(PoisonError::into_inner) = Some(inbox);
        self.joined.swap(0, Ordering::Relaxed)
    }

    pub fn is_tainted(&self) -> bool {
        self.tainted.load(Ordering::Relaxed)
    }

    /// One request has left.
    pub fn give_place_back(&self) {
        self.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Instance {
    /// Lets up to `at_once` requests share this instance, `requests` in its whole life.
    pub fn share(&mut self, sessions: Arc<Sessions>, at_once: u32, requests: u32) {
        #[allow(clippy::disallowed_methods, reason = "`at_once` bounds it")]
        let (jobs, inbox) = mpsc::unbounded_channel();
        self.joinable = Some(Arc::new(Joinable {
            sessions,
            at_once,
            inside: AtomicU32::new(CLOSED),
            left: AtomicU32::new(requests),
            joined: AtomicU32::new(0),
            tainted: AtomicBool::new(false),
            failure: OnceLock::new(),
            deadline: Mutex::new(None),
            jobs,
            inbox: Mutex::new(Some(inbox)),
        }));
    }

    /// No request was left behind in it.
    pub fn is_clean(&self) -> bool {
        self.joinable
            .as_ref()
            .is_none_or(|joinable| !joinable.is_tainted())
    }
}
