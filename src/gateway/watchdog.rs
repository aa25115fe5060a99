//! Closes connections that waste their place: without a request, with half a request
//! head, or not taking what they asked for.
//!
//! A request costs a few stores here and no timer: the timer of a connection is set once,
//! and when it fires the watchdog looks whether the deadline has moved.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, Sleep};

/// Never.
const NEVER: u64 = u64::MAX;
/// How often a connection whose client waits is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a connection is doing, written by its socket and its requests.
pub(crate) struct Pulse {
    epoch: Instant,
    limits: PulseLimits,
    /// Requests being served.
    active: AtomicU32,
    /// Bytes came in since the watchdog last looked.
    read: AtomicBool,
    /// When the client must have sent or asked for something, in milliseconds of `epoch`.
    waiting_until: AtomicU64,
    /// When the client must have taken a byte.
    writing_until: AtomicU64,
    /// When to look whether the client is still there, while it waits for an answer.
    look_at: AtomicU64,
    /// It is time to look; the socket does.
    look: AtomicBool,
    waker: AtomicWaker,
    registered: AtomicBool,
}

/// How long each kind of waiting may last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PulseLimits {
    pub head: Duration,
    pub keep_alive: Duration,
    pub write: Duration,
    /// Bytes without a request begin a request head (HTTP/1 only).
    pub heads_begin_on_read: bool,
}

impl Pulse {
    pub fn new(limits: PulseLimits) -> Self {
        let pulse = Self {
            epoch: Instant::now(),
            limits,
            active: AtomicU32::new(0),
            read: AtomicBool::new(false),
            waiting_until: AtomicU64::new(NEVER),
            writing_until: AtomicU64::new(NEVER),
            look_at: AtomicU64::new(NEVER),
            look: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            registered: AtomicBool::new(false),
        };
        let until = pulse.millis(pulse.epoch + limits.keep_alive);
        pulse.waiting_until.store(until, Ordering::Relaxed);
        pulse
    }

    fn millis(&self, at: Instant) -> u64 {
        at.duration_since(self.epoch).as_millis() as u64
    }

    /// Bytes came in.
    pub fn on_read(&self) {
        self.read.store(true, Ordering::Relaxed);
    }

    /// A head has begun and is not complete. Asked once for all that one poll of the
    /// connection has read, so that whole heads cost no look at the clock.
    fn note_begun_head(&self) {
        if self.read.swap(false, Ordering::Relaxed)
            && self.limits.heads_begin_on_read
            && self.active.load(Ordering::Relaxed) == 0
        {
            // Only the first piece of a head counts, or one byte a second would do.
            let head = self.millis(Instant::now() + self.limits.head);
            self.waiting_until.fetch_min(head, Ordering::Relaxed);
        }
    }

    /// A request head is complete.
    pub fn begin(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.waiting_until.store(NEVER, Ordering::Relaxed);
    }

    /// A response has ended.
    pub fn end(&self, now: std::time::Instant) {
        if self.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            let until = self.millis(Instant::from_std(now) + self.limits.keep_alive);
            self.waiting_until.store(until, Ordering::Relaxed);
            self.read.store(false, Ordering::Relaxed);
            self.look_at.store(NEVER, Ordering::Relaxed);
        }
    }

    /// A request waits for its guest. Nobody reads from the socket meanwhile where its body
    /// is not read, so nobody would notice that the client has gone (HTTP/1 only).
    fn note_waiting_client(&self) {
        if self.limits.heads_begin_on_read
            && !self.is_idle()
            && self.look_at.load(Ordering::Relaxed) == NEVER
        {
            let at = self.millis(Instant::now() + LOOK_EVERY);
            self.look_at.store(at, Ordering::Relaxed);
        }
    }

    /// Whether the socket should look if the client is still there. True once.
    pub fn takes_look(&self) -> bool {
        self.look.load(Ordering::Relaxed) && self.look.swap(false, Ordering::Relaxed)
    }

    pub fn on_write_blocked(&self) {
        if self.writing_until.load(Ordering::Relaxed) == NEVER {
            let until = self.millis(Instant::now() + self.limits.write);
            self.writing_until.store(until, Ordering::Relaxed);
        }
    }

    pub fn on_written(&self) {
        if self.writing_until.load(Ordering::Relaxed) != NEVER {
            self.writing_until.store(NEVER, Ordering::Relaxed);
        }
    }

    /// Lets [`Pulse::wake`] reach the task that polls the connection; to be called before
    /// the drain flag is read.
    pub fn register(&self, cx: &Context<'_>) {
        // A task's waker stays the same, so once is enough.
        if !self.registered.load(Ordering::Relaxed) {
            self.waker.register(cx.waker());
            self.registered.store(true, Ordering::Relaxed);
        }
    }

    /// No request is being served.
    pub fn is_idle(&self) -> bool {
        self.active.load(Ordering::Relaxed) == 0
    }

    /// Makes the connection look at the drain flag.
    pub fn wake(&self) {
        self.waker.wake();
    }

    fn deadline(&self) -> u64 {
        let waiting = self.waiting_until.load(Ordering::Relaxed);
        waiting.min(self.writing_until.load(Ordering::Relaxed))
    }

    /// When there is something to do next.
    fn next(&self) -> u64 {
        self.deadline().min(self.look_at.load(Ordering::Relaxed))
    }
}

/// What the watchdog wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bark {
    /// A deadline has passed: close the connection.
    Close,
    /// Poll the connection, so that its socket looks for the client.
    Look,
}

/// Polled with the connection; ready when a deadline has passed.
pub(crate) struct Watchdog {
    timer: Pin<Box<Sleep>>,
    /// When the timer fires, in milliseconds of the pulse's epoch.
    set_to: u64,
}

impl Watchdog {
    pub fn new(pulse: &Pulse) -> Self {
        let set_to = pulse
            .deadline()
            .min(pulse.limits.keep_alive.as_millis() as u64);
        let at = pulse.epoch + Duration::from_millis(set_to);
        Self {
            timer: Box::pin(tokio::time::sleep_until(at)),
            set_to,
        }
    }

    pub fn poll(&mut self, pulse: &Pulse, cx: &mut Context<'_>) -> Poll<Bark> {
        pulse.note_begun_head();
        pulse.note_waiting_client();
        loop {
            let deadline = pulse.next();
            if deadline < self.set_to {
                self.set(pulse, deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = pulse.epoch.elapsed().as_millis() as u64;
            if pulse.deadline() <= now {
                return Poll::Ready(Bark::Close);
            }
            if deadline <= now {
                pulse.look_at.store(NEVER, Ordering::Relaxed);
                pulse.look.store(true, Ordering::Relaxed);
                return Poll::Ready(Bark::Look);
            }
            // While a request is served nothing is due; look again later.
            let later = self.set_to + pulse.limits.keep_alive.as_millis().max(1) as u64;
            self.set(pulse, deadline.min(later));
        }
    }

    fn set(&mut self, pulse: &Pulse, deadline: u64) {
        self.set_to = deadline;
        self.timer
            .as_mut()
            .reset(pulse.epoch + Duration::from_millis(deadline));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PulseLimits = PulseLimits {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(60),
        write: Duration::from_secs(30),
        heads_begin_on_read: true,
    };

    async fn closes_after(pulse: &Pulse, watchdog: &mut Watchdog) -> Duration {
        let began = Instant::now();
        while std::future::poll_fn(|cx| watchdog.poll(pulse, cx)).await == Bark::Look {
            assert!(pulse.takes_look() && !pulse.takes_look());
        }
        began.elapsed()
    }

    fn around(seconds: u64) -> std::ops::Range<Duration> {
        Duration::from_secs(seconds)..Duration::from_millis(seconds * 1_000 + 50)
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_closes_after_keep_alive() {
        let pulse = Pulse::new(LIMITS);
        let mut watchdog = Watchdog::new(&pulse);
        assert!(around(60).contains(&closes_after(&pulse, &mut watchdog).await));
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_closes_after_the_head_timeout() {
        let pulse = Pulse::new(LIMITS);
        let mut watchdog = Watchdog::new(&pulse);
        pulse.on_read();
        assert!(around(10).contains(&closes_after(&pulse, &mut watchdog).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_served_request_is_left_alone_until_it_ends() {
        let pulse = Pulse::new(LIMITS);
        let mut watchdog = Watchdog::new(&pulse);
        pulse.on_read();
        pulse.begin();
        let busy = tokio::time::timeout(
            Duration::from_secs(300),
            closes_after(&pulse, &mut watchdog),
        );
        assert!(busy.await.is_err());
        pulse.end(Instant::now().into_std());
        assert!(around(60).contains(&closes_after(&pulse, &mut watchdog).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_dropped() {
        let pulse = Pulse::new(LIMITS);
        let mut watchdog = Watchdog::new(&pulse);
        pulse.begin();
        pulse.on_write_blocked();
        assert!(around(30).contains(&closes_after(&pulse, &mut watchdog).await));
    }
}
