//! `publish = TOPIC` and `request = TOPIC`: a request's body becomes a message.
//!
//! Bounded by what the bus takes: a request that is too large is refused before more of it is
//! read. What is held at once are as many bodies as requests are admitted. A request whose client
//! leaves before its body is complete becomes no message, and one that waits for a reply is
//! cancelled with its client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};

use super::{compose, fault, read, reply};
use crate::component::RequestBody;
use crate::config::{MessageRequest, Route};
use crate::core::{
    ByteSize, Fault, Forced, Message, MessageBounds, MessageBus, RequestError, RequestId,
    RequestOptions, Spread, Topic,
};
use crate::gateway::body::Body;

/// How long a message may take from the head of its request to the bus, where nobody waits for
/// a reply: a client that sends a byte now and then must not hold its place for ever.
const LONGEST_PUBLISH: Duration = Duration::from_secs(60);

/// What a route does with messages.
#[derive(Clone)]
pub(crate) struct Post {
    bus: Arc<dyn MessageBus>,
    topic: Topic,
    bounds: MessageBounds,
    wants: Wants,
}

/// What a client is answered with.
#[derive(Debug, Clone, Copy)]
enum Wants {
    /// That the message was taken.
    Receipt,
    /// The reply to it.
    Reply { within: Duration },
}

/// A request on its way to the bus.
pub(crate) struct Sent {
    pub parts: Parts,
    pub body: RequestBody,
    pub id: RequestId,
    pub arrived: Instant,
    pub forced: Forced,
    /// The client's.
    pub connection: u64,
}

impl Post {
    pub fn publishing(bus: &Arc<dyn MessageBus>, topic: &Topic, bounds: &MessageBounds) -> Self {
        Self::new(bus, topic, bounds, Wants::Receipt)
    }

    pub fn requesting(
        bus: &Arc<dyn MessageBus>,
        request: &MessageRequest,
        bounds: &MessageBounds,
    ) -> Self {
        let within = request.timeout;
        Self::new(bus, &request.topic, bounds, Wants::Reply { within })
    }

    fn new(bus: &Arc<dyn MessageBus>, topic: &Topic, bounds: &MessageBounds, wants: Wants) -> Self {
        Self {
            bus: bus.clone(),
            topic: topic.clone(),
            bounds: bounds.clone(),
            wants,
        }
    }

    /// Bytes of a body at most.
    pub fn largest(&self) -> ByteSize {
        self.bounds.body
    }

    /// Whoever follows a link or looks ahead expects that nothing happens (RFC 9110 §9.2.1), so
    /// safe methods publish only where the route names them.
    ///
    /// # Errors
    /// The method is not for publishing.
    pub fn admit(&self, method: &Method, route: &Route) -> Result<(), Fault> {
        match self.wants {
            Wants::Receipt if route.methods.is_empty() && method.is_safe() => {
                Err(Fault::MethodNotAllowed {
                    allow: "POST, PUT, PATCH, DELETE".into(),
                })
            }
            Wants::Receipt | Wants::Reply { .. } => Ok(()),
        }
    }

    /// # Errors
    /// Why the request became no message, or why there is no reply to it.
    pub async fn answer(&self, sent: Sent) -> Result<Response<Body>, Fault> {
        let id = sent.id;
        let within = match self.wants {
            Wants::Receipt => LONGEST_PUBLISH,
            Wants::Reply { within } => within,
        };
        let deadline = sent.arrived + within;
        let mut message = compose::message(&self.topic, &sent)?;
        // A head that is too large needs no body.
        let checked = self.bounds.check(&message);
        checked.map_err(|error| fault::bounds(&error))?;
        message.body = in_time(deadline, read::whole(sent.body)).await?;
        let answered = self.send(message, deadline).await;
        answered.map_err(|error| fault::told(&error, &self.topic, id))
    }

    async fn send(
        &self,
        message: Message,
        deadline: Instant,
    ) -> Result<Response<Body>, RequestError> {
        match self.wants {
            Wants::Receipt => {
                let published = self.bus.publish(message, Spread::Shared);
                let published = tokio::time::timeout_at(deadline.into(), published).await;
                published.map_err(|_| RequestError::TimedOut)??;
                Ok(reply::receipt())
            }
            Wants::Reply { .. } => {
                let replies = self.bus.request(message, RequestOptions::until(deadline));
                // The bus keeps the deadline; one that does not must not hold the client.
                let replies = tokio::time::timeout_at((deadline + GRACE).into(), replies).await;
                let replies = replies.map_err(|_| RequestError::TimedOut)??;
                let first = replies.into_iter().next().ok_or(RequestError::NoReply)?;
                Ok(reply::response(first))
            }
        }
    }
}

/// Longer than a bus needs to notice that a deadline has passed.
const GRACE: Duration = Duration::from_secs(1);

/// It is the client who is late while its body is read.
async fn in_time(
    deadline: Instant,
    body: impl Future<Output = Result<Bytes, Fault>>,
) -> Result<Bytes, Fault> {
    match tokio::time::timeout_at(deadline.into(), body).await {
        Ok(body) => body,
        Err(_elapsed) => Err(Fault::RequestTimeout),
    }
}

#[cfg(test)]
mod tests;
