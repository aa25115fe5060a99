//! What one call runs under: its deadlines, its limits, and who shares its instance.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use super::body::{RequestBody, RequestWatch};
use super::call::Call;
use super::instance::{Instance, Recipe};
use super::join::Joinable;
use crate::core::ByteSize;

/// What one call runs under.
pub(super) struct Terms {
    pub head_deadline: Instant,
    pub stream_deadline: Option<Instant>,
    pub max_response_body: Option<ByteSize>,
    pub recipe: Arc<Recipe>,
    pub joinable: Option<Arc<Joinable>>,
    pub watch: RequestWatch,
}

impl Terms {
    pub fn new(instance: &Instance, request: &http::Request<RequestBody>, call: Call) -> Self {
        let limits = instance.limits();
        let arrived = Instant::from_std(call.arrived);
        let terms = Self {
            head_deadline: arrived + limits.timeout,
            stream_deadline: limits.stream_timeout.map(|timeout| arrived + timeout),
            max_response_body: limits.max_response_body,
            recipe: instance.recipe().clone(),
            joinable: instance.joinable.clone(),
            watch: request.body().watch(),
        };
        if let Some(joinable) = &terms.joinable {
            joinable.extend_deadline(terms.stream_deadline);
        }
        terms
    }
}

/// A timer that is only made when something really waits.
pub(crate) struct Deadline {
    pub at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub fn at(at: Instant) -> Self {
        Self {
            at: Some(at),
            timer: None,
        }
    }

    pub fn maybe(at: Option<Instant>) -> Self {
        Self { at, timer: None }
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        timer.as_mut().poll(cx)
    }
}
