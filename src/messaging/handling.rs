//! A handler at work. Its panic is an error, and nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::core::{Delivery, Fault, HandleError, HandlerFuture, MessageHandler};

/// What a handler makes of a delivery.
pub struct Handling(Option<HandlerFuture>);

impl Handling {
    pub fn of(handler: &dyn MessageHandler, delivery: Delivery) -> Self {
        Self(catch_unwind(AssertUnwindSafe(|| handler.handle(delivery))).ok())
    }
}

impl Future for Handling {
    type Output = Result<(), HandleError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        const PANICKED: HandleError = HandleError::Fault(Fault::Internal);
        let Some(future) = &mut self.0 else {
            return Poll::Ready(Err(PANICKED));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        let polled = polled.unwrap_or(Poll::Ready(Err(PANICKED)));
        if polled.is_ready() {
            self.stop();
        }
        polled
    }
}

impl Handling {
    pub fn stop(&mut self) {
        let future = self.0.take();
        // What it leaves behind can panic as well, and has no more to say.
        _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.stop();
    }
}
