//! `wasmcloud:messaging@0.2.0`.

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/wasmcloud-messaging.wit",
        world: "messaging",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

pub(in crate::runtime) use generated::wasmcloud::messaging::{consumer, types};
pub(in crate::runtime) use generated::{Messaging, MessagingIndices};
