//! `http`: requests to servers, by scheme, host and port. Enforced request by request in
//! `outbound`.

use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView as _, p2, p3};

use super::Capability;
use crate::core::Grants;
use crate::runtime::guest::Guest;
use crate::runtime::outbound::HTTP;

pub(super) struct Http;

/// What requests to servers and to other components go through.
pub(super) const CLIENT: &[&str] = &["wasi:http/outgoing-handler@0.2.", "wasi:http/client@0.3."];

impl Capability for Http {
    fn name(&self) -> &'static str {
        HTTP
    }

    fn purpose(&self) -> &'static str {
        "requests to these servers"
    }

    fn imports(&self) -> &'static [&'static str] {
        CLIENT
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.http.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"http = ["https://api.example.com"]"#
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        p2::bindings::http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, Guest::http)?;
        if concurrent {
            p3::bindings::http::client::add_to_linker::<_, WasiHttp>(linker, Guest::http)?;
        }
        Ok(())
    }
}
