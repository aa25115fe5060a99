//! `wasi:messaging@0.2.0-draft`.

use std::time::Duration;

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::runtime::spawn;

use super::failure::Failure;
use super::held::HeldMessage;
use super::letter::Letter;
use super::outbox::{self, Patience};
use crate::core::Spread;
use crate::runtime::bindings::messaging::{producer, request_reply, types};
use crate::runtime::guest::Guest;

/// `client`: there is one bus, so nothing is in it.
pub struct Client;

/// `request-options`.
#[derive(Default)]
pub struct ReplyOptions {
    timeout_ms: Option<u32>,
    expected_replies: Option<u32>,
}

impl ReplyOptions {
    fn patience(&self) -> Patience {
        let milliseconds = |number: u32| Duration::from_millis(number.into());
        Patience {
            timeout: self.timeout_ms.map(milliseconds),
            replies: self.expected_replies.unwrap_or(1),
        }
    }
}

/// The names by which the one bus is known.
const BUSES: [&str; 2] = ["", "default"];

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    producer::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    request_reply::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl From<Failure> for types::Error {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::TimedOut => Self::Timeout,
            Failure::Denied => Self::PermissionDenied(text),
            Failure::QueueFull
            | Failure::NoReceiver
            | Failure::Draining
            | Failure::Unreachable
            | Failure::NoBus => Self::Connection(text),
            _ => Self::Other(text),
        }
    }
}

type Sent<T> = wasmtime::Result<Result<T, types::Error>>;

impl types::Host for Guest {}

impl types::HostClient for Guest {
    async fn connect(&mut self, name: String) -> Sent<Resource<Client>> {
        if !BUSES.contains(&&*name) {
            let text = "there is no such bus: its name is `default`".to_owned();
            return Ok(Err(types::Error::Other(text)));
        }
        Ok(Ok(self.table().push(Client)?))
    }

    async fn disconnect(&mut self, client: Resource<Client>) -> Sent<()> {
        self.table().get(&client)?;
        Ok(Ok(()))
    }

    async fn drop(&mut self, client: Resource<Client>) -> wasmtime::Result<()> {
        self.table().delete(client)?;
        Ok(())
    }
}

type Handle = Resource<HeldMessage>;

impl types::HostMessage for Guest {
    async fn new(&mut self, data: Vec<u8>) -> wasmtime::Result<Handle> {
        self.hold(HeldMessage::made(data))
    }

    async fn topic(&mut self, message: Handle) -> wasmtime::Result<Option<String>> {
        let received = self.held(&message)?.source();
        Ok(received.map(|message| message.topic.to_string()))
    }

    async fn content_type(&mut self, message: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.held(&message)?.letter().content_type.clone())
    }

    async fn set_content_type(
        &mut self,
        message: Handle,
        content_type: String,
    ) -> wasmtime::Result<()> {
        self.change(&message, |it| it.set_content_type(content_type))
    }

    async fn data(&mut self, message: Handle) -> wasmtime::Result<Vec<u8>> {
        Ok(self.held(&message)?.letter().body.to_vec())
    }

    async fn set_data(&mut self, message: Handle, data: Vec<u8>) -> wasmtime::Result<()> {
        self.change(&message, |it| it.set_data(data))
    }

    async fn metadata(&mut self, message: Handle) -> wasmtime::Result<Option<types::Metadata>> {
        let entries = self.held(&message)?.letter().metadata.entries();
        Ok((!entries.is_empty()).then(|| entries.to_vec()))
    }

    async fn add_metadata(
        &mut self,
        message: Handle,
        key: String,
        value: String,
    ) -> wasmtime::Result<()> {
        self.change(&message, |it| it.add_metadata(key, value))
    }

    async fn set_metadata(
        &mut self,
        message: Handle,
        metadata: types::Metadata,
    ) -> wasmtime::Result<()> {
        self.change(&message, |it| it.set_metadata(metadata))
    }

    async fn remove_metadata(&mut self, message: Handle, key: String) -> wasmtime::Result<()> {
        self.change(&message, |it| it.remove_metadata(&key))
    }

    async fn drop(&mut self, message: Handle) -> wasmtime::Result<()> {
        self.let_go(message).map(drop)
    }
}

impl producer::Host for Guest {
    async fn send(&mut self, client: Resource<Client>, topic: String, message: Handle) -> Sent<()> {
        self.table().get(&client)?;
        let letter = self.take(message)?.into_letter();
        let sent = outbox::publish(self, &topic, letter, Spread::Shared).await;
        Ok(sent.map(|_receivers| ()).map_err(Into::into))
    }
}

impl request_reply::HostRequestOptions for Guest {
    async fn new(&mut self) -> wasmtime::Result<Resource<ReplyOptions>> {
        Ok(self.table().push(ReplyOptions::default())?)
    }

    async fn set_timeout_ms(
        &mut self,
        options: Resource<ReplyOptions>,
        timeout_ms: u32,
    ) -> wasmtime::Result<()> {
        self.table().get_mut(&options)?.timeout_ms = Some(timeout_ms);
        Ok(())
    }

    async fn set_expected_replies(
        &mut self,
        options: Resource<ReplyOptions>,
        expected_replies: u32,
    ) -> wasmtime::Result<()> {
        self.table().get_mut(&options)?.expected_replies = Some(expected_replies);
        Ok(())
    }

    async fn drop(&mut self, options: Resource<ReplyOptions>) -> wasmtime::Result<()> {
        self.table().delete(options)?;
        Ok(())
    }
}

impl request_reply::Host for Guest {
    async fn request(
        &mut self,
        client: Resource<Client>,
        topic: String,
        message: Handle,
        options: Option<Resource<ReplyOptions>>,
    ) -> Sent<Vec<Handle>> {
        self.table().get(&client)?;
        let patience = match options {
            Some(options) => self.table().delete(options)?.patience(),
            None => Patience::default(),
        };
        let letter = self.held(&message)?.to_letter();
        let answer = match outbox::request(self, &topic, letter, patience) {
            Ok(request) => spawn(request).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(replies) => self.hold_all(replies),
            Err(failure) => Ok(Err(failure.into())),
        }
    }

    async fn reply(&mut self, reply_to: Handle, message: Handle) -> Sent<()> {
        let received = self.held(&reply_to)?.source();
        let address = received.and_then(|message| message.reply_to.clone());
        let letter: Result<Letter, _> = self.take(message)?.into_letter();
        let Some(address) = address else {
            return Ok(Ok(()));
        };
        let sent = outbox::reply(self, address, letter).await;
        Ok(sent.map_err(Into::into))
    }
}

impl Guest {
    fn hold_all(&mut self, replies: Vec<crate::core::Message>) -> Sent<Vec<Handle>> {
        let replies = replies.into_iter().map(Into::into);
        let replies: Vec<_> = replies.map(HeldMessage::received).collect();
        let weight = replies.iter().map(HeldMessage::weight).sum();
        if !self.has_room_for(weight) {
            return Ok(Err(Failure::HoldsTooMuch.into()));
        }
        let handles = replies.into_iter().map(|reply| self.hold(reply));
        Ok(Ok(handles.collect::<wasmtime::Result<_>>()?))
    }
}
