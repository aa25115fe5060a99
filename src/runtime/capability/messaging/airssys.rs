//! `airssys:core/host-messaging@1.0.0`.

use std::time::Duration;

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::runtime::spawn;

use super::failure::Failure;
use super::letter::{Letter, Metadata};
use super::outbox::{self, Patience};
use super::pending::{PendingReply, first};
use crate::core::{self, MessageError, Spread};
use crate::runtime::bindings::core::errors::MessagingError;
use crate::runtime::bindings::core::host_messaging::{Host, HostPendingReply, add_to_linker};
use crate::runtime::bindings::core::types::{ComponentId, Message};
use crate::runtime::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl From<Failure> for MessagingError {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Topic(_) => Self::InvalidTopic(text),
            Failure::EmptyKey | Failure::ReplyAddress => Self::InvalidMessage(text),
            Failure::TooLarge(MessageError::Body { limit, .. }) => Self::TooLarge(limit.0),
            Failure::TooLarge(MessageError::Entries(_) | MessageError::Metadata(_)) => {
                Self::InvalidMessage(text)
            }
            Failure::Denied => Self::Denied,
            Failure::Exhausted | Failure::HoldsTooMuch => Self::Exhausted,
            Failure::TooManyPending => Self::TooManyPending,
            Failure::QueueFull => Self::QueueFull,
            Failure::NoReceiver => Self::NoReceiver,
            Failure::TimedOut => Self::TimedOut,
            Failure::Cancelled => Self::Cancelled,
            Failure::Failed(reason) => Self::ReceiverFailed(reason),
            Failure::NoReply => Self::ReceiverFailed(text),
            Failure::Loop => Self::LoopDetected,
            Failure::NoBus | Failure::NoRequester | Failure::Draining | Failure::Unreachable => {
                Self::Unavailable(text)
            }
        }
    }
}

impl From<core::Message> for Message {
    fn from(message: core::Message) -> Self {
        Self {
            content_type: message.content_type.as_deref().map(str::to_owned),
            body: message.body.to_vec(),
            metadata: message.metadata,
        }
    }
}

fn letter(message: Message) -> Result<Letter, Failure> {
    Ok(Letter {
        content_type: message.content_type,
        metadata: Metadata::of(message.metadata)?,
        ..Letter::new(message.body)
    })
}

fn until(deadline_ms: u32) -> Patience {
    Patience {
        timeout: Some(Duration::from_millis(deadline_ms.into())),
        replies: 1,
    }
}

type Sent<T> = wasmtime::Result<Result<T, MessagingError>>;

impl Host for Guest {
    async fn send(&mut self, topic: String, message: Message) -> Sent<()> {
        let sent = outbox::publish(self, &topic, letter(message), Spread::Shared).await;
        Ok(sent.map(drop).map_err(Into::into))
    }

    async fn request(
        &mut self,
        topic: String,
        message: Message,
        deadline_ms: u32,
    ) -> Sent<Message> {
        let answer = match outbox::request(self, &topic, letter(message), until(deadline_ms)) {
            Ok(request) => spawn(request).await.and_then(first),
            Err(failure) => Err(failure),
        };
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    async fn start_request(
        &mut self,
        topic: String,
        message: Message,
        deadline_ms: u32,
    ) -> Sent<Resource<PendingReply>> {
        let place = match self.pending_place() {
            Ok(place) => place,
            Err(failure) => return Ok(Err(failure.into())),
        };
        match outbox::request(self, &topic, letter(message), until(deadline_ms)) {
            Ok(request) => Ok(Ok(self.begin_pending(request, place)?)),
            Err(failure) => Ok(Err(failure.into())),
        }
    }

    async fn broadcast(&mut self, topic: String, message: Message) -> Sent<u32> {
        let sent = outbox::publish(self, &topic, letter(message), Spread::Everyone).await;
        Ok(sent.map_err(Into::into))
    }

    async fn self_id(&mut self) -> wasmtime::Result<ComponentId> {
        Ok(ComponentId {
            component: self.component().to_string(),
            version: self.version().to_string(),
            instance: self.number,
        })
    }
}

impl HostPendingReply for Guest {
    async fn subscribe(
        &mut self,
        pending: Resource<PendingReply>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.wait_for_pending(&pending)
    }

    async fn get(
        &mut self,
        pending: Resource<PendingReply>,
    ) -> wasmtime::Result<Option<Result<Message, MessagingError>>> {
        let answer = self.table().get(&pending)?.take();
        Ok(answer.map(|answer| answer.map(Into::into).map_err(Into::into)))
    }

    async fn cancel(&mut self, pending: Resource<PendingReply>) -> wasmtime::Result<()> {
        self.table().get(&pending)?.cancel();
        Ok(())
    }

    async fn drop(&mut self, pending: Resource<PendingReply>) -> wasmtime::Result<()> {
        self.table().delete(pending)?;
        Ok(())
    }
}
