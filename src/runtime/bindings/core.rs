//! `airssys:core@1.0.0`.

mod generated {
    wasmtime::component::bindgen!({
        path: ["wit/io.wit", "wit/core.wit"],
        world: "airssys:core/component",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "airssys:core/host-messaging.pending-reply": crate::runtime::capability::messaging::PendingReply,
        },
    });
}

pub(in crate::runtime) use generated::airssys::core::{
    errors, host_messaging, host_services, storage, types,
};
pub(in crate::runtime) use generated::{Component, ComponentIndices};
