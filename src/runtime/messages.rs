//! Messages in the hands of a guest, and the call of its handler.

use std::sync::Arc;

use tokio::time::Instant;

use super::bindings::messaging::types as wasi;
use super::bindings::wasmcloud::types::BrokerMessage;
use super::error::{InvokeError, NoHandler};
use super::exports::Messages;
use super::invoke::Lease;
use super::solo;
use crate::core::Message;

/// `client` of `wasi:messaging`: there is one bus, so nothing is in it.
pub struct Client;

/// `message` of `wasi:messaging`.
pub struct HeldMessage {
    /// As it was received; `None` for one that the guest made.
    pub received: Option<Arc<Message>>,
    pub content_type: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub data: bytes::Bytes,
}

impl HeldMessage {
    pub fn received(message: &Arc<Message>) -> Self {
        Self {
            content_type: message.content_type.as_deref().map(str::to_owned),
            metadata: message.metadata.clone(),
            data: message.body.clone(),
            received: Some(message.clone()),
        }
    }
}

/// `request-options` of `wasi:messaging`.
#[derive(Default)]
pub struct ReplyOptions {
    pub timeout_ms: Option<u32>,
    pub expected_replies: Option<u32>,
}

/// `pending-reply` of `airssys:core`.
pub struct PendingReply;

/// Bytes of a refusal's text.
const REFUSAL: usize = 1024;

/// Has the guest behind `lease` handle a message. The inner error is its own word.
///
/// # Errors
/// Everything that keeps the guest from returning.
pub async fn handle<L: Lease>(
    mut lease: L,
    message: Arc<Message>,
) -> Result<Result<(), String>, InvokeError> {
    let instance = lease.instance();
    instance.begin(message.origin, message.trace.as_ref())?;
    let deadline = Instant::now() + instance.limits().timeout;
    solo::run(lease, deadline, move |instance| {
        Box::pin(async move {
            let store = &mut instance.store;
            let answer = match instance.exports.messages.as_ref().ok_or(NoHandler)? {
                Messages::Wasi(guest) => {
                    let message = HeldMessage::received(&message);
                    let message = store.data_mut().table().push(message)?;
                    let handler = guest.wasi_messaging_incoming_handler();
                    let answer = handler.call_handle(&mut *store, message).await?;
                    answer.map_err(|error| refusal(&error))
                }
                Messages::Wasmcloud(guest) => {
                    let message = BrokerMessage {
                        subject: message.topic.as_str().to_owned(),
                        body: message.body.to_vec(),
                        reply_to: message.reply_to.as_ref().map(ToString::to_string),
                    };
                    let handler = guest.wasmcloud_messaging_handler();
                    handler.call_handle_message(&mut *store, &message).await?
                }
            };
            Ok(answer.map_err(cut))
        })
    })
    .await
}

fn refusal(error: &wasi::Error) -> String {
    match error {
        wasi::Error::Timeout => "timeout".into(),
        wasi::Error::Connection(text) => format!("connection: {text}"),
        wasi::Error::PermissionDenied(text) => format!("permission denied: {text}"),
        wasi::Error::Other(text) => text.clone(),
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REFUSAL));
    text
}
