//! A call whose answer is what it returns: a message, a question for its health.
//!
//! As a request, it is polled in the task of whoever asked and moves to the slow lane when it
//! computes for long. Dropping the returned future cancels it, and discards the instance.

use std::pin::Pin;
use std::task::Poll;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cpu::Metered;
use super::error::InvokeError;
use super::instance::Instance;
use super::invoke::Lease;
use super::terms::Deadline;

/// What a call does with its instance.
pub(super) type Running<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// Runs `call` in the instance behind `lease`, which is armed, and gives the instance back.
///
/// # Errors
/// Everything that keeps the guest from returning.
pub(super) async fn run<L, T, C>(mut lease: L, deadline: Instant, call: C) -> Result<T, InvokeError>
where
    L: Lease,
    T: Send + 'static,
    C: for<'a> FnOnce(&'a mut Instance) -> Running<'a, T> + Send + 'static,
{
    let recipe = lease.instance().recipe().clone();
    let running = Box::pin(Metered::new(async move {
        let instance = lease.instance();
        let result = call(instance).await;
        let result =
            result.map_err(|error| InvokeError::classify(error, instance.memory_refused()));
        (lease, result)
    }));
    let mut deadline = Deadline::at(deadline);
    let mut here = Some(running);
    if !recipe.pace.is_slow() {
        let ended = std::future::poll_fn(|cx| {
            let Some(running) = &mut here else {
                return Poll::Ready(Ok(None));
            };
            if let Poll::Ready(((lease, result), cpu)) = running.as_mut().poll(cx) {
                return Poll::Ready(Ok(Some((lease, result, cpu))));
            }
            match running.overran() {
                true => Poll::Ready(Ok(None)),
                false => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
            }
        });
        if let Some((lease, result, cpu)) = ended.await? {
            return finish(lease, result, cpu);
        }
        recipe.pace.judge(true);
    }
    let Some(mut running) = here.take() else {
        return Err(InvokeError::Interrupted);
    };
    let (mut sender, receiver) = oneshot::channel();
    let slow = recipe.clone();
    recipe.lane.spawn(async move {
        let ended = std::future::poll_fn(|cx| {
            if let Poll::Ready(((lease, result), cpu)) = running.as_mut().poll(cx) {
                return Poll::Ready(Some((lease, result, cpu)));
            }
            // Nobody waits any more: the guest is dropped with this task.
            sender.poll_closed(cx).map(|()| None)
        });
        let ended = ended.await;
        slow.pace.judge(running.overran());
        if let Some((lease, result, cpu)) = ended {
            let _ = sender.send(finish(lease, result, cpu));
        }
    });
    let mut receiver = receiver;
    std::future::poll_fn(|cx| match Pin::new(&mut receiver).poll(cx) {
        Poll::Ready(result) => Poll::Ready(result.unwrap_or(Err(InvokeError::Interrupted))),
        Poll::Pending => deadline.poll(cx).map(|()| Err(InvokeError::Timeout)),
    })
    .await
}

fn finish<L: Lease, T>(
    mut lease: L,
    result: Result<T, InvokeError>,
    cpu: std::time::Duration,
) -> Result<T, InvokeError> {
    let usage = lease.instance().settle(cpu);
    let (outcome, result) = match result {
        Ok(value) => (Ok(()), Ok(value)),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    lease.judge(&outcome);
    lease.finish(usage, outcome);
    result
}
