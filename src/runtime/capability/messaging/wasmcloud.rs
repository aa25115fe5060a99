//! `wasmcloud:messaging@0.2.0`.

use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::runtime::spawn;

use super::letter::Letter;
use super::outbox::{self, Patience};
use super::pending::first;
use crate::core::{Message, Spread};
use crate::runtime::bindings::wasmcloud::consumer;
use crate::runtime::bindings::wasmcloud::types::BrokerMessage;
use crate::runtime::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    consumer::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl From<&Message> for BrokerMessage {
    fn from(message: &Message) -> Self {
        Self {
            subject: message.topic.to_string(),
            body: message.body.to_vec(),
            reply_to: message.reply_to.as_ref().map(ToString::to_string),
        }
    }
}

impl consumer::Host for Guest {
    async fn request(
        &mut self,
        subject: String,
        body: Vec<u8>,
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<BrokerMessage, String>> {
        let patience = Patience {
            timeout: Some(Duration::from_millis(timeout_ms.into())),
            replies: 1,
        };
        let answer = match outbox::request(self, &subject, Ok(Letter::new(body)), patience) {
            Ok(request) => spawn(request).await.and_then(first),
            Err(failure) => Err(failure),
        };
        Ok(answer
            .map(|reply| BrokerMessage::from(&reply))
            .map_err(|failure| failure.to_string()))
    }

    async fn publish(&mut self, message: BrokerMessage) -> wasmtime::Result<Result<(), String>> {
        let BrokerMessage {
            subject,
            body,
            reply_to,
        } = message;
        let reply_to = reply_to.as_deref().map(outbox::reply_address).transpose();
        let letter = reply_to.map(|reply_to| Letter {
            reply_to,
            ..Letter::new(body)
        });
        let sent = outbox::publish(self, &subject, letter, Spread::Shared).await;
        Ok(sent.map(drop).map_err(|failure| failure.to_string()))
    }
}
