//! What a guest gives to be sent, before it has an address.

use bytes::Bytes;

use super::failure::Failure;
use crate::core::{Message, MessageBounds, MessageError, Publisher, Topic};
use crate::runtime::guest::Guest;

/// Entries of metadata: keys are unique and not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// As a guest lists them: the last of several with one key counts.
    pub fn of(entries: Vec<(String, String)>) -> Result<Self, Failure> {
        let bounds = MessageBounds::default();
        // Before anything is compared: a guest may list millions.
        if entries.len() > bounds.entries {
            return Err(MessageError::Entries(bounds.entries).into());
        }
        let mut metadata = Self::default();
        for (key, value) in entries {
            metadata.set(key, value)?;
        }
        Ok(metadata)
    }

    pub fn received(message: &Message) -> Self {
        Self(message.metadata.clone())
    }

    /// Sets one entry in place of that with the same key. What would be too large is not set.
    pub fn set(&mut self, key: String, value: String) -> Result<(), Failure> {
        if key.is_empty() {
            return Err(Failure::EmptyKey);
        }
        let bounds = MessageBounds::default();
        self.remove(&key);
        if self.0.len() == bounds.entries {
            return Err(MessageError::Entries(bounds.entries).into());
        }
        if self.bytes() + key.len() + value.len() > bounds.metadata.0 as usize {
            return Err(MessageError::Metadata(bounds.metadata).into());
        }
        self.0.push((key, value));
        Ok(())
    }

    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(known, _)| known != key);
    }

    pub fn entries(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn bytes(&self) -> usize {
        let entries = self.0.iter();
        entries.map(|(key, value)| key.len() + value.len()).sum()
    }
}

/// A message without an address.
#[derive(Debug, Clone, Default)]
pub(super) struct Letter {
    pub content_type: Option<String>,
    pub metadata: Metadata,
    pub body: Bytes,
    /// Where answers go, if its sender passes on an address that it was given.
    pub reply_to: Option<Topic>,
}

impl Letter {
    pub fn new(body: Vec<u8>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// The message of this guest, caused by what it serves now.
    pub fn to(self, topic: Topic, guest: &Guest) -> Message {
        Message {
            topic,
            content_type: self.content_type.map(Into::into),
            metadata: self.metadata.0,
            body: self.body,
            publisher: Publisher::Component {
                name: guest.component().clone(),
                instance: guest.number,
            },
            origin: guest.origin().deeper(),
            trace: guest.outgoing.trace().cloned(),
            reply_to: self.reply_to,
        }
    }
}
