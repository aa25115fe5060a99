//! HTTP/2 streams: each in a task of its own, which ends when its client takes nothing.
//!
//! A client can ask for a response and never open its flow-control window (RFC 9113 §6.9).
//! The socket looks healthy then, and hyper waits for ever. What tells is that hyper was
//! handed a piece of the body and has not asked for the next one.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep};

thread_local!(static CURRENT: RefCell<Option<Arc<Stream>>> = const { RefCell::new(None) });

/// Whether the client takes what it is sent on one stream.
#[derive(Default)]
pub(crate) struct Stream {
    /// When hyper was handed something it has not come back from.
    handed: Mutex<Option<Instant>>,
}

impl Stream {
    /// The stream that this thread serves now; `None` on HTTP/1.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// hyper has something to send.
    pub fn hand_over(&self) {
        self.set(Some(Instant::now()));
    }

    /// hyper asks for more, or is done.
    pub fn take_back(&self) {
        self.set(None);
    }

    fn set(&self, handed: Option<Instant>) {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = handed;
    }

    fn handed(&self) -> Option<Instant> {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the streams of a connection.
#[derive(Clone)]
pub(crate) struct StreamExecutor {
    pub write_timeout: Duration,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let patience = self.write_timeout;
        tokio::spawn(async move {
            let mut guarded = Guarded {
                stream: Arc::default(),
                patience,
                timer: None,
            };
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| guarded.poll(future.as_mut(), cx)).await;
            // Dropping the stream unfinished resets it.
        });
    }
}

struct Guarded {
    stream: Arc<Stream>,
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    fn poll<F: Future<Output = ()>>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let outer = CURRENT.replace(Some(self.stream.clone()));
        let polled = future.poll(cx);
        CURRENT.set(outer);
        if polled.is_ready() {
            return Poll::Ready(());
        }
        self.poll_stalled(cx)
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(handed) = self.stream.handed() else {
            self.timer = None;
            return Poll::Pending;
        };
        let at = handed + self.patience;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_not_taken_is_dropped_in_time() {
        let (dropped, wait) = tokio::sync::oneshot::channel::<()>();
        let executor = StreamExecutor {
            write_timeout: Duration::from_secs(30),
        };
        let began = Instant::now();
        executor.execute(async move {
            let _dropped = dropped;
            if let Some(stream) = Stream::current() {
                stream.hand_over();
            }
            std::future::pending::<()>().await;
        });
        assert!(wait.await.is_err());
        assert_eq!(began.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guest_may_take_its_time() {
        let (done, wait) = tokio::sync::oneshot::channel();
        StreamExecutor {
            write_timeout: Duration::from_secs(1),
        }
        .execute(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            let _ = done.send(());
        });
        assert!(wait.await.is_ok());
    }
}
