//! Joining an instance that already serves other requests (WASI 0.3 only).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::body::{RequestBody, RequestWatch, ResponseBody};
use super::call::Call;
use super::detached::{End, Verdict};
use super::error::InvokeError;
use super::instance::Instance;
use super::invoke::{Head, check_head, content_length};
use super::session::Job;
use super::terms::Deadline;
use crate::core::Limits;

type Request = http::Request<RequestBody>;

/// The instances of one version that others may join.
pub struct Sessions {
    open: Mutex<Vec<Arc<Joinable>>>,
    /// Told whenever there is a new place.
    room: Arc<Notify>,
    /// Instances of an earlier generation take nobody in any more.
    generation: AtomicU32,
}

/// A request that an instance has taken in.
pub struct Joined {
    joinable: Arc<Joinable>,
    answer: oneshot::Receiver<Head>,
    watch: RequestWatch,
    arrived: Instant,
}

impl Sessions {
    pub fn new(room: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            room,
            generation: AtomicU32::new(0),
        })
    }

    /// Has every instance that there is now take nobody in any more, and serve nobody after
    /// those who are in it.
    pub fn renew(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::Relaxed);
        open.iter().for_each(|joinable| joinable.taint());
    }

    /// Takes a place in the first instance that has one.
    ///
    /// # Errors
    /// None has; here is the request back.
    #[allow(
        clippy::result_large_err,
        reason = "the caller goes on with the request it gets back"
    )]
    pub fn join(&self, request: Request, call: Call) -> Result<Joined, Request> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(company) = call.origin.company() else {
            return Err(request);
        };
        let free = |it: &&Arc<Joinable>| it.company() == company && it.take_place();
        let Some(joinable) = open.iter().find(free) else {
            return Err(request);
        };
        let (head, answer) = oneshot::channel();
        let watch = request.body().watch();
        let job = Job {
            request,
            call,
            head,
        };
        joinable.jobs.send(job).map_err(|ended| ended.0.request)?;
        let arrived = Instant::from_std(call.arrived);
        Ok(Joined {
            joinable: joinable.clone(),
            answer,
            watch,
            arrived,
        })
    }

    fn remove(&self, joinable: &Joinable) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !std::ptr::eq(&**other, joinable));
    }
}

impl Joined {
    /// The guest's answer.
    ///
    /// # Errors
    /// What ended the request, or the whole instance.
    pub async fn answer(
        self,
        limits: &Limits,
    ) -> Result<http::Response<ResponseBody>, InvokeError> {
        let stream_deadline = limits.stream_timeout.map(|timeout| self.arrived + timeout);
        self.joinable.extend_deadline(stream_deadline);
        let answer = tokio::time::timeout_at(self.arrived + limits.timeout, async {
            match self.answer.await {
                Ok(answer) => answer,
                Err(_gone) => Err(self
                    .joinable
                    .ended()
                    .await
                    .unwrap_or(InvokeError::NoResponse)),
            }
        });
        let answer = answer.await.unwrap_or(Err(InvokeError::Timeout));
        let response = self.watch.error().map_or(answer, Err)?;
        check_head(&response)?;
        let declared = content_length(response.headers());
        let deadline = Deadline::maybe(stream_deadline);
        let verdict = Verdict::Shared {
            joinable: self.joinable,
            end: End::Elsewhere,
            deadline,
        };
        let limit = limits.max_response_body;
        Ok(response
            .map(|body| ResponseBody::streaming(VecDeque::new(), declared, body, verdict, limit)))
    }
}

/// The door of an instance that serves several requests at once.
pub(crate) struct Joinable {
    sessions: Arc<Sessions>,
    generation: u32,
    at_once: u32,
    /// Requests inside; `CLOSED` when the session is over.
    inside: AtomicU32,
    /// Requests it may still begin.
    left: AtomicU32,
    joined: AtomicU32,
    tainted: AtomicBool,
    /// The session's task has ended.
    over: AtomicBool,
    ended: Notify,
    failure: OnceLock<InvokeError>,
    /// Of the calls inside.
    company: AtomicU8,
    deadline: Mutex<Option<Instant>>,
    jobs: mpsc::UnboundedSender<Job>,
    /// Unbounded as a channel, bounded by `at_once` in fact.
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Job>>>,
}

const CLOSED: u32 = u32::MAX;
/// The company of a call that wants none: deeper than any can be.
const ALONE: u8 = u8::MAX;

impl Joinable {
    fn take_place(&self) -> bool {
        if self.is_tainted() {
            return false;
        }
        // Before the place: a place that is taken and given back again would keep the
        // session from closing, and nobody would wake it.
        let take = |left: u32| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .is_err()
        {
            return false;
        }
        let enter = |inside: u32| (inside < self.at_once).then(|| inside + 1);
        if self
            .inside
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, enter)
            .is_err()
        {
            self.left.fetch_add(1, Ordering::AcqRel);
            return false;
        }
        self.joined.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Others may come in from now on.
    pub fn open(self: &Arc<Self>) {
        let sessions = &self.sessions;
        let mut open = sessions.open.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation != sessions.generation.load(Ordering::Relaxed) {
            return self.taint();
        }
        open.push(self.clone());
        drop(open);
        sessions.room.notify_waiters();
    }

    /// The session's task is over: nobody comes in any more.
    pub fn leave(&self) {
        self.sessions.remove(self);
        self.over.store(true, Ordering::Release);
        self.ended.notify_waiters();
    }

    /// Waits for the end of the session. Answers with its failure, if it was one.
    async fn ended(&self) -> Option<InvokeError> {
        let mut ended = std::pin::pin!(self.ended.notified());
        ended.as_mut().enable();
        if !self.over.load(Ordering::Acquire) {
            ended.await;
        }
        self.failure()
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
    fn company(&self) -> u8 {
        self.company.load(Ordering::Acquire)
    }

    /// Begins a session with one request inside, and hands out the inbox of those who join.
    pub fn begin(&self, first: &Call) -> Option<mpsc::UnboundedReceiver<Job>> {
        let company = first.origin.company().unwrap_or(ALONE);
        self.company.store(company, Ordering::Release);
        self.over.store(false, Ordering::Release);
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
        self.sessions.room.notify_one();
    }
}

impl Instance {
    /// Lets up to `at_once` requests share this instance, `requests` in its whole life.
    pub fn share(&mut self, sessions: Arc<Sessions>, at_once: u32, requests: u32) {
        #[allow(clippy::disallowed_methods, reason = "`at_once` bounds it")]
        let (jobs, inbox) = mpsc::unbounded_channel();
        self.store.data_mut().outgoing.share(at_once);
        self.joinable = Some(Arc::new(Joinable {
            generation: sessions.generation.load(Ordering::Relaxed),
            sessions,
            at_once,
            inside: AtomicU32::new(CLOSED),
            left: AtomicU32::new(requests),
            joined: AtomicU32::new(0),
            tainted: AtomicBool::new(false),
            over: AtomicBool::new(false),
            ended: Notify::new(),
            failure: OnceLock::new(),
            deadline: Mutex::new(None),
            company: AtomicU8::new(ALONE),
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
