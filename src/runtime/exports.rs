//! What the gateway calls in a component: its handlers for requests and messages, and the
//! functions by which it is supervised. Found once a version, and looked up once an instance.

use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::{p2, p3};

use super::artifact::{Handlers, Interface, MessageInterface};
use super::bindings::core::{Component, ComponentIndices};
use super::bindings::messaging::{Messaging, MessagingIndices};
use super::bindings::wasmcloud::{Messaging as Wasmcloud, MessagingIndices as WasmcloudIndices};
use super::guest::Guest;

/// A linked component, and where its exports are.
pub(crate) struct ExportsPre {
    pre: InstancePre<Guest>,
    http: Option<HttpIndices>,
    messages: Option<MessageIndices>,
    lifecycle: Option<ComponentIndices>,
}

enum HttpIndices {
    Wasi02(p2::bindings::ProxyIndices),
    Wasi03(p3::bindings::ServiceIndices),
}

enum MessageIndices {
    Wasi(MessagingIndices),
    Wasmcloud(WasmcloudIndices),
}

/// The exports of one instance.
pub(crate) struct Exports {
    pub http: Option<Http>,
    /// Boxed, so that instances of those that have none carry nothing of it.
    pub messages: Option<Box<Messages>>,
    pub lifecycle: Option<Box<Component>>,
}

pub(crate) enum Http {
    Wasi02(p2::bindings::Proxy),
    Wasi03(p3::bindings::Service),
}

pub(crate) enum Messages {
    Wasi(Messaging),
    Wasmcloud(Wasmcloud),
}

impl ExportsPre {
    /// # Errors
    /// An export has not the type that its name promises.
    pub fn find(pre: InstancePre<Guest>, handlers: Handlers) -> wasmtime::Result<Self> {
        let http = match handlers.http {
            Some(Interface::Wasi02) => {
                Some(HttpIndices::Wasi02(p2::bindings::ProxyIndices::new(&pre)?))
            }
            Some(Interface::Wasi03) => Some(HttpIndices::Wasi03(
                p3::bindings::ServiceIndices::new(&pre)?,
            )),
            None => None,
        };
        let messages = match handlers.messages {
            Some(MessageInterface::Wasi) => {
                Some(MessageIndices::Wasi(MessagingIndices::new(&pre)?))
            }
            Some(MessageInterface::Wasmcloud) => {
                Some(MessageIndices::Wasmcloud(WasmcloudIndices::new(&pre)?))
            }
            None => None,
        };
        let lifecycle = match handlers.lifecycle {
            true => Some(ComponentIndices::new(&pre)?),
            false => None,
        };
        Ok(Self {
            pre,
            http,
            messages,
            lifecycle,
        })
    }

    pub fn serves_http(&self) -> bool {
        self.http.is_some()
    }

    pub fn handles_messages(&self) -> bool {
        self.messages.is_some()
    }

    pub fn is_supervised(&self) -> bool {
        self.lifecycle.is_some()
    }

    /// Whether its HTTP handler is one of WASI 0.3.
    pub fn is_wasi_03(&self) -> bool {
        matches!(self.http, Some(HttpIndices::Wasi03(_)))
    }

    pub async fn instantiate(&self, store: &mut Store<Guest>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let http = match &self.http {
            Some(HttpIndices::Wasi02(found)) => {
                Some(Http::Wasi02(found.load(&mut *store, &instance)?))
            }
            Some(HttpIndices::Wasi03(found)) => {
                Some(Http::Wasi03(found.load(&mut *store, &instance)?))
            }
            None => None,
        };
        let messages = match &self.messages {
            Some(MessageIndices::Wasi(found)) => {
                let messages = Messages::Wasi(found.load(&mut *store, &instance)?);
                Some(Box::new(messages))
            }
            Some(MessageIndices::Wasmcloud(found)) => {
                let messages = Messages::Wasmcloud(found.load(&mut *store, &instance)?);
                Some(Box::new(messages))
            }
            None => None,
        };
        let lifecycle = match &self.lifecycle {
            Some(found) => Some(Box::new(found.load(&mut *store, &instance)?)),
            None => None,
        };
        Ok(Exports {
            http,
            messages,
            lifecycle,
        })
    }
}
