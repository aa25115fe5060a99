//! The grant, and what an instance gets of it.

use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::{check, lookup, open};
use crate::core::{GrantMode, Grants, Transport};
use crate::runtime::capability::{Capability, Preparation};
use crate::runtime::guest::Guest;

pub(in crate::runtime::capability) struct Sockets;

pub(super) const NAME: &str = "sockets";

impl Capability for Sockets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn purpose(&self) -> &'static str {
        "TCP and UDP to these addresses"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:sockets/"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.sockets.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"sockets = ["tcp://db.internal:5432"]"#
    }

    fn is_usual(&self) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        use wasmtime_wasi::p2::bindings::sockets;
        let options = wasmtime_wasi::p2::bindings::LinkOptions::default();
        sockets::network::add_to_linker::<_, WasiSockets>(
            linker,
            &(&options).into(),
            Guest::sockets,
        )?;
        sockets::instance_network::add_to_linker::<_, WasiSockets>(linker, Guest::sockets)?;
        sockets::tcp::add_to_linker::<_, WasiSockets>(linker, Guest::sockets)?;
        sockets::udp::add_to_linker::<_, WasiSockets>(linker, Guest::sockets)?;
        if concurrent {
            wasmtime_wasi::p3::bindings::sockets::types::add_to_linker::<_, WasiSockets>(
                linker,
                Guest::sockets,
            )?;
        }
        open::link(linker, concurrent)?;
        lookup::link(linker, concurrent)
    }

    fn prepare(&self, instance: &Preparation<'_>, wasi: &mut WasiCtxBuilder) {
        let grants = instance.grants();
        wasi.allow_tcp(may_open(grants, Transport::Tcp))
            .allow_udp(may_open(grants, Transport::Udp));
        let checker = check::Checker::new(instance);
        wasi.socket_addr_check(move |address, intent| checker.check(address, intent));
    }
}

/// Whether a guest has any use for a socket of this kind.
pub(super) fn may_open(grants: &Grants, transport: Transport) -> bool {
    let granted = |grants: &Grants| grants.sockets.iter().any(|it| it.transport == transport);
    granted(grants) || grants.mode == GrantMode::Audit
}
