//! What travels over the bus.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::Topic;
use crate::core::{ByteSize, ComponentName, Origin, Trace};

/// Data on its way to a topic.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: Topic,
    /// Media type of the body.
    pub content_type: Option<Arc<str>>,
    /// Keys are unique and not empty.
    pub metadata: Vec<(String, String)>,
    pub body: Bytes,
    pub publisher: Publisher,
    /// The request that caused it; one deeper than the call that sent it.
    pub origin: Origin,
    pub trace: Option<Trace>,
    /// Where its sender waits for replies.
    pub reply_to: Option<Topic>,
}

impl Message {
    /// Without metadata, trace and reply address.
    pub fn new(topic: Topic, body: Bytes, publisher: Publisher, origin: Origin) -> Self {
        Self {
            topic,
            content_type: None,
            metadata: Vec::new(),
            body,
            publisher,
            origin,
            trace: None,
            reply_to: None,
        }
    }

    /// The bytes that it is counted as in a queue: all that varies in length, and a fixed
    /// amount for the rest.
    pub fn weight(&self) -> usize {
        const FIXED: usize = 256;
        let metadata = self.metadata.iter();
        let metadata: usize = metadata
            .map(|(key, value)| key.len() + value.len() + 48)
            .sum();
        let content_type = self.content_type.as_ref().map_or(0, |it| it.len());
        FIXED + self.topic.as_str().len() + content_type + metadata + self.body.len()
    }

    /// The value of a metadata entry.
    pub fn entry(&self, key: &str) -> Option<&str> {
        let mut entries = self.metadata.iter();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| &**value)
    }
}

/// Who sent a message. Messages of one publisher on one topic keep their order.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Publisher {
    /// An instance of a component; no two have the same number while the node runs. Of another
    /// node's nothing is known by it.
    Component { name: ComponentName, instance: u64 },
    /// A client, by its connection.
    Client { connection: u64 },
    /// Somebody at the admin API, or the gateway itself.
    Gateway,
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { name, .. } => name.fmt(f),
            Self::Client { .. } => f.write_str("(client)"),
            Self::Gateway => f.write_str("(gateway)"),
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who gets a message of those who listen to its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// Everybody without a group, and one member of each group.
    #[default]
    Shared,
    /// Everybody, all members of groups too.
    Everyone,
}

/// How large messages may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageBounds {
    /// Bytes of the body.
    pub body: ByteSize,
    /// Entries of metadata.
    pub entries: usize,
    /// Bytes of all keys, values and the content type.
    pub metadata: ByteSize,
}

impl Default for MessageBounds {
    fn default() -> Self {
        Self {
            body: ByteSize(1 << 20),
            entries: 64,
            metadata: ByteSize(16 << 10),
        }
    }
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("its body has {size}, at most {limit} are taken")]
    Body { size: ByteSize, limit: ByteSize },
    #[error("it has more than {0} entries of metadata")]
    Entries(usize),
    #[error("its metadata has more than {0}")]
    Metadata(ByteSize),
}

impl MessageBounds {
    /// # Errors
    /// The message is larger than they allow.
    pub fn check(&self, message: &Message) -> Result<(), MessageError> {
        let size = ByteSize(message.body.len() as u64);
        if size > self.body {
            let limit = self.body;
            return Err(MessageError::Body { size, limit });
        }
        if message.metadata.len() > self.entries {
            return Err(MessageError::Entries(self.entries));
        }
        let entries = message.metadata.iter();
        let bytes: usize = entries.map(|(key, value)| key.len() + value.len()).sum();
        let content_type = message.content_type.as_ref().map_or(0, |it| it.len());
        match ByteSize((bytes + content_type) as u64) > self.metadata {
            true => Err(MessageError::Metadata(self.metadata)),
            false => Ok(()),
        }
    }
}
