//! Messages in the hands of a guest: the resource `message` of `wasi:messaging`.
//!
//! All that one instance holds is bounded in bytes, and ends with the call in which the guest
//! got or made it: a guest that never drops anything grows no host. Dropping what has ended has
//! no effect; anything else traps.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::Resource;

use super::failure::Failure;
use super::letter::{Letter, Metadata};
use super::pending::PendingReply;
use crate::core::{ByteSize, Message, MessageBounds, MessageError};
use crate::runtime::guest::Guest;

/// What one instance holds of the bus.
#[derive(Default)]
pub(in crate::runtime) struct Mail {
    /// Of all messages.
    bytes: usize,
    /// Something is in the table since the call began.
    is_touched: bool,
    /// Entries of the table that have ended, and that the guest has not dropped.
    ended: usize,
    /// Requests that may be under way; made by the first.
    pub(super) pending: Option<Arc<Semaphore>>,
}

/// `message` of `wasi:messaging`.
pub struct HeldMessage {
    /// As it was received; `None` for one that the guest made.
    received: Option<Arc<Message>>,
    letter: Letter,
    /// Why it cannot be sent: setting has no errors of its own.
    misfit: Option<Failure>,
    has_ended: bool,
}

impl HeldMessage {
    pub(super) fn made(data: Vec<u8>) -> Self {
        Self {
            received: None,
            letter: Letter::new(data),
            misfit: None,
            has_ended: false,
        }
    }

    pub(in crate::runtime) fn received(message: Arc<Message>) -> Self {
        let letter = Letter {
            content_type: message.content_type.as_deref().map(str::to_owned),
            metadata: Metadata::received(&message),
            body: message.body.clone(),
            reply_to: None,
        };
        Self {
            letter,
            misfit: None,
            has_ended: false,
            received: Some(message),
        }
    }

    pub(super) fn source(&self) -> Option<&Arc<Message>> {
        self.received.as_ref()
    }

    pub(super) fn letter(&self) -> &Letter {
        &self.letter
    }

    /// What is to be sent.
    pub(super) fn into_letter(self) -> Result<Letter, Failure> {
        self.misfit.map_or(Ok(self.letter), Err)
    }

    pub(super) fn to_letter(&self) -> Result<Letter, Failure> {
        match &self.misfit {
            Some(misfit) => Err(misfit.clone()),
            None => Ok(self.letter.clone()),
        }
    }

    pub(super) fn set_data(&mut self, data: Vec<u8>) {
        self.letter.body = data.into();
    }

    pub(super) fn set_content_type(&mut self, content_type: String) {
        let limit = MessageBounds::default().metadata;
        if content_type.len() as u64 > limit.0 {
            self.misfit = Some(MessageError::Metadata(limit).into());
        } else {
            self.letter.content_type = Some(content_type);
        }
    }

    pub(super) fn add_metadata(&mut self, key: String, value: String) {
        if let Err(misfit) = self.letter.metadata.set(key, value) {
            self.misfit = Some(misfit);
        }
    }

    pub(super) fn set_metadata(&mut self, entries: Vec<(String, String)>) {
        let metadata = Metadata::of(entries);
        self.misfit = metadata.as_ref().err().cloned();
        self.letter.metadata = metadata.unwrap_or_default();
    }

    pub(super) fn remove_metadata(&mut self, key: &str) {
        self.letter.metadata.remove(key);
    }

    /// Bytes that the host keeps for it.
    pub(super) fn weight(&self) -> usize {
        if self.has_ended {
            return 0;
        }
        let content_type = self.letter.content_type.as_ref().map_or(0, String::len);
        let received = self.received.as_ref().map_or(0, |message| {
            // The body is counted once as long as both have the same.
            let is_shared = message.body.as_ptr() == self.letter.body.as_ptr();
            message.weight() - if is_shared { message.body.len() } else { 0 }
        });
        self.letter.body.len() + self.letter.metadata.bytes() + content_type + received
    }

    fn end(&mut self) {
        *self = Self {
            has_ended: true,
            ..Self::made(Vec::new())
        };
    }
}

impl Guest {
    /// Puts a message into the guest's hands.
    ///
    /// # Errors
    /// It holds too much already, which is a trap.
    pub(in crate::runtime) fn hold(
        &mut self,
        message: HeldMessage,
    ) -> wasmtime::Result<Resource<HeldMessage>> {
        self.weigh(0, message.weight())?;
        self.touch();
        Ok(self.table().push(message)?)
    }

    pub(super) fn held(
        &mut self,
        handle: &Resource<HeldMessage>,
    ) -> wasmtime::Result<&HeldMessage> {
        let message = self.table().get(handle)?;
        match message.has_ended {
            true => Err(wasmtime::Error::msg(
                "the message belongs to a call that has ended",
            )),
            false => Ok(message),
        }
    }

    pub(super) fn change(
        &mut self,
        handle: &Resource<HeldMessage>,
        change: impl FnOnce(&mut HeldMessage),
    ) -> wasmtime::Result<()> {
        let before = self.held(handle)?.weight();
        let message = self.table().get_mut(handle)?;
        change(message);
        let after = message.weight();
        self.weigh(before, after)
    }

    /// Takes a message out of the guest's hands, to send it.
    pub(super) fn take(&mut self, handle: Resource<HeldMessage>) -> wasmtime::Result<HeldMessage> {
        self.held(&handle)?;
        self.let_go(handle)
    }

    /// As [`Guest::take`], for one that may have ended too.
    pub(super) fn let_go(
        &mut self,
        handle: Resource<HeldMessage>,
    ) -> wasmtime::Result<HeldMessage> {
        let message = self.table().delete(handle)?;
        match message.has_ended {
            true => self.mail.ended = self.mail.ended.saturating_sub(1),
            false => self.weigh(message.weight(), 0)?,
        }
        Ok(message)
    }

    /// Something is in the table that must end with the call.
    pub(super) fn touch(&mut self) {
        self.mail.is_touched = true;
    }

    /// Whether so many bytes more may be held.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        let limit = self.recipe().bounds.held_messages.0 as usize;
        self.mail.bytes.saturating_add(bytes) <= limit
    }

    fn weigh(&mut self, before: usize, after: usize) -> wasmtime::Result<()> {
        self.mail.bytes = self.mail.bytes.saturating_sub(before);
        if after > before && !self.has_room_for(after) {
            let limit: ByteSize = self.recipe().bounds.held_messages;
            let error = format!("the instance holds more than {limit} of messages");
            return Err(wasmtime::Error::msg(error));
        }
        self.mail.bytes += after;
        Ok(())
    }

    /// The call has ended, and with it all that the guest still holds of the bus. Entries of
    /// the table stay until the guest drops them: their numbers must not mean others.
    pub(in crate::runtime) fn end_mail(&mut self) {
        if !std::mem::take(&mut self.mail.is_touched) {
            return;
        }
        let mut ended = 0;
        for entry in self.table().iter_mut() {
            if let Some(message) = entry.downcast_mut::<HeldMessage>() {
                message.end();
                ended += 1;
            } else if let Some(pending) = entry.downcast_mut::<PendingReply>() {
                pending.end();
                ended += 1;
            }
        }
        self.mail.bytes = 0;
        self.mail.ended = ended;
    }

    /// It leaves so much behind that the table will be full one day.
    pub(in crate::runtime) fn leaves_much_behind(&self) -> bool {
        self.mail.ended > self.recipe().bounds.resources / 4
    }
}

#[cfg(test)]
impl Mail {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
