//! `request`: messages to topics, and what is answered.

use wasmtime::component::Linker;

use super::outbox::REQUEST;
use crate::core::Grants;
use crate::runtime::capability::Capability;
use crate::runtime::guest::Guest;

pub(in crate::runtime::capability) struct Request;

impl Capability for Request {
    fn name(&self) -> &'static str {
        REQUEST
    }

    fn purpose(&self) -> &'static str {
        "requests to these topics, and their replies"
    }

    fn imports(&self) -> &'static [&'static str] {
        &[
            "wasi:messaging/request-reply@0.2.0-draft",
            "wasmcloud:messaging/consumer@0.2.",
            "airssys:core/host-messaging@1.",
        ]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.request.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"request = ["stock.reserve"]"#
    }

    fn remains(&self, _import: &str) -> Option<&'static str> {
        Some("replies to messages")
    }

    /// The same interfaces as those of `publish`, which links them.
    fn link(&self, _linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        Ok(())
    }
}
