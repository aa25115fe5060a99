//! Calls of the handler by which a guest gets messages.

use std::sync::Arc;

use tokio::time::Instant;

use super::bindings::messaging::types as wasi;
use super::bindings::wasmcloud::types::BrokerMessage;
use super::capability::messaging::HeldMessage;
use super::error::{InvokeError, NoHandler};
use super::exports::Messages;
use super::invoke::Lease;
use super::solo;
use crate::core::Message;

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
    let deadline = Instant::now() + instance.limits().timeout;
    instance.begin(message.origin, message.trace.as_ref(), deadline.into_std())?;
    solo::run(lease, deadline, move |instance| {
        Box::pin(async move {
            let store = &mut instance.store;
            let answer = match instance.exports.messages.as_deref().ok_or(NoHandler)? {
                Messages::Wasi(guest) => {
                    let message = store.data_mut().hold(HeldMessage::received(message))?;
                    let handler = guest.wasi_messaging_incoming_handler();
                    let answer = handler.call_handle(&mut *store, message).await?;
                    answer.map_err(|error| refusal(&error))
                }
                Messages::Wasmcloud(guest) => {
                    let message = BrokerMessage::from(&*message);
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
