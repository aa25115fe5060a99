//! `publish`: messages to topics, without waiting for anybody.

use wasmtime::component::Linker;

use super::outbox::PUBLISH;
use super::{airssys, wasi, wasmcloud};
use crate::core::Grants;
use crate::runtime::capability::Capability;
use crate::runtime::guest::Guest;

pub(in crate::runtime::capability) struct Publish;

impl Capability for Publish {
    fn name(&self) -> &'static str {
        PUBLISH
    }

    fn purpose(&self) -> &'static str {
        "messages to these topics"
    }

    fn imports(&self) -> &'static [&'static str] {
        &[
            "wasi:messaging/producer@0.2.0-draft",
            "wasmcloud:messaging/consumer@0.2.",
            "airssys:core/host-messaging@1.",
        ]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.publish.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"publish = ["orders.created"]"#
    }

    fn remains(&self, import: &str) -> Option<&'static str> {
        (!import.contains("/producer@")).then_some("replies to messages")
    }

    /// All of it: handlers of messages import the types, whatever they are granted.
    fn link(&self, linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        wasi::link(linker)?;
        wasmcloud::link(linker)?;
        airssys::link(linker)
    }
}
