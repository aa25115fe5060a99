//! `wasi:messaging@0.2.0-draft`.

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/messaging.wit",
        world: "messaging",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi:messaging/types.client": crate::runtime::capability::messaging::Client,
            "wasi:messaging/types.message": crate::runtime::capability::messaging::HeldMessage,
            "wasi:messaging/request-reply.request-options": crate::runtime::capability::messaging::ReplyOptions,
        },
    });
}

pub(in crate::runtime) use generated::wasi::messaging::{producer, request_reply, types};
pub(in crate::runtime) use generated::{Messaging, MessagingIndices};
