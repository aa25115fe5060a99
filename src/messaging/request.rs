//! Sending a message and waiting for replies.
//!
//! Where one alone gets it and has nothing else to do, its handler runs in the task of who
//! asks: no queue, no other task. Bounded by the deadline; ends earlier with enough replies,
//! or when everybody who got it is done.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::bus::LocalBus;
use super::handling::Handling;
use super::inboxes::Address;
use super::listener::Listener;
use super::publish::Handing;
use super::queue::{Entry, Running, Ticket};
use super::route::Route;
use crate::core::{
    Fault, HandleError, Message, PublishError, RequestError, RequestOptions, Spread,
};

type Answer = Result<Vec<Message>, RequestError>;

impl LocalBus {
    pub(super) async fn ask(&self, message: Message, options: RequestOptions) -> Answer {
        let mut asking = self.start(message, options.replies)?;
        // Most answers are there at once: no timer for them.
        let first = poll_fn(|context| Poll::Ready(asking.poll(context))).await;
        let answer = match first {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                let deadline = tokio::time::Instant::from_std(options.deadline);
                let answer = poll_fn(|context| asking.poll(context));
                match tokio::time::timeout_at(deadline, answer).await {
                    Ok(answer) => answer,
                    Err(_) => return asking.address.inbox.expire(),
                }
            }
        };
        if let Some(seated) = asking.end() {
            self.runtime.spawn(seated);
        }
        answer
    }

    fn start(&self, mut message: Message, replies: u32) -> Result<Asking, RequestError> {
        let bounds = &self.spec.load().bounds;
        bounds.check(&message).map_err(PublishError::from)?;
        self.admit(&mut message)?;
        let route = match message.topic.is_internal() {
            true => return Err(RequestError::NoReceiver),
            false => self.routes.load().of_topic(&message.topic),
        };
        if route.is_empty() {
            return Err(RequestError::NoReceiver);
        }
        self.charge(&message)?;
        match self.ask_over(&route, message, replies) {
            // Who listened then does not any more; somebody may have taken their place.
            Err((RequestError::NoReceiver, message)) => {
                let route = self.routes.load().of_topic(&message.topic);
                let asked = self.ask_over(&route, Message::clone(&message), replies);
                asked.map_err(|(error, _)| error)
            }
            asked => asked.map_err(|(error, _)| error),
        }
    }

    /// With the message, where nobody took it.
    fn ask_over(
        &self,
        route: &Route,
        mut message: Message,
        replies: u32,
    ) -> Result<Asking, (RequestError, Arc<Message>)> {
        let address = self.inboxes.open(replies);
        message.reply_to = Some(address.topic.clone());
        let message = Arc::new(message);
        let entry = self.entry_of(message.clone(), Some(address.inbox.clone()));
        let mut asking = Asking::at(address);
        match asking.hand_out(route, entry) {
            Ok(()) => Ok(asking),
            Err(error) => Err((error, message)),
        }
    }
}

/// A request that waits. Dropping it cancels it.
struct Asking {
    seated: Option<Seated>,
    /// Where it waits in a queue, or did.
    copies: Vec<(Arc<Listener>, Ticket)>,
    address: Address,
    /// It has an answer: handlers that run may go on.
    is_over: bool,
}

impl Asking {
    fn at(address: Address) -> Self {
        Self {
            seated: None,
            copies: Vec::new(),
            address,
            is_over: false,
        }
    }

    fn hand_out(&mut self, route: &Route, entry: Entry) -> Result<(), RequestError> {
        let seat = route.only().and_then(|it| Seated::at(it, &entry));
        if seat.is_some() {
            // It is the one that is pending.
            self.seated = seat;
            return Ok(());
        }
        let copies = &mut self.copies;
        let mut handing = Handing::out(entry);
        handing.give_all(route, Spread::Shared, &mut |listener, ticket| {
            copies.push((listener.clone(), ticket));
        });
        let receivers = handing.receivers;
        self.address.inbox.done(None);
        match (receivers, handing.result()) {
            (0, Err(error)) => Err(error.into()),
            (0, Ok(_)) => Err(RequestError::NoReceiver),
            _ => Ok(()),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        if let Some(seated) = &mut self.seated
            && Pin::new(seated).poll(context).is_ready()
        {
            self.seated = None;
        }
        self.address.inbox.poll(context)
    }

    /// Ends without a cancellation: takes back what waits, and answers with a handler that
    /// has replied and is not done.
    fn end(mut self) -> Option<Seated> {
        self.is_over = true;
        self.seated.take()
    }

    fn take_back(&mut self) {
        for (listener, ticket) in self.copies.drain(..) {
            listener.withdraw(ticket);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.take_back();
        if !self.is_over {
            self.address.inbox.stop();
        }
    }
}

/// A handler that runs in the task of who asks. Dropping it stops it.
struct Seated {
    listener: Arc<Listener>,
    running: Option<Running>,
    handling: Handling,
}

impl Seated {
    fn at(listener: &Arc<Listener>, entry: &Entry) -> Option<Self> {
        let depth = entry.message.origin.depth;
        let lane = listener.with_queue(|queue| queue.seat(entry, depth))?;
        let mut entry = entry.clone();
        entry.attempts = 1;
        Some(Self {
            handling: listener.handling(&entry),
            listener: listener.clone(),
            running: Some(Running { entry, lane }),
        })
    }

    fn settle(&mut self, result: Result<(), HandleError>) {
        if let Some(running) = self.running.take() {
            self.listener.settle_seat(running, result, Instant::now());
        }
    }
}

impl Future for Seated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let result = ready!(Pin::new(&mut self.handling).poll(context));
        self.settle(result);
        Poll::Ready(())
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.handling.stop();
        self.settle(Err(HandleError::Fault(Fault::Timeout)));
    }
}
