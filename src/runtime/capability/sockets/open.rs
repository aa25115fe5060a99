//! Making a socket: refused and reported where nothing is granted for it.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets as p2;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as _;
use wasmtime_wasi::p3::bindings::sockets::types as p3;
use wasmtime_wasi::sockets::WasiSocketsView as _;

use super::capability::{NAME, may_open};
use crate::core::Transport;
use crate::runtime::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
    linker
        .instance("wasi:sockets/tcp-create-socket@0.2.12")?
        .func_wrap(
            "create-tcp-socket",
            |mut store, (family,): (p2::network::IpAddressFamily,)| {
                let guest: &mut Guest = store.data_mut();
                if is_refused(guest, Transport::Tcp) {
                    return Ok((Err(p2::network::ErrorCode::AccessDenied),));
                }
                let socket: Result<Resource<_>, _> = guest.sockets().create_tcp_socket(family);
                Ok((untrapped(socket)?,))
            },
        )?;
    linker
        .instance("wasi:sockets/udp-create-socket@0.2.12")?
        .func_wrap_async(
            "create-udp-socket",
            |mut store, (family,): (p2::network::IpAddressFamily,)| {
                Box::new(async move {
                    let guest: &mut Guest = store.data_mut();
                    if is_refused(guest, Transport::Udp) {
                        return Ok((Err(p2::network::ErrorCode::AccessDenied),));
                    }
                    let socket = guest.sockets().create_udp_socket(family).await;
                    Ok((untrapped(socket)?,))
                })
            },
        )?;
    if concurrent {
        link_p3(linker)?;
    }
    Ok(())
}

fn link_p3(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance("wasi:sockets/types@0.3.0")?;
    types.func_wrap(
        "[static]tcp-socket.create",
        |mut store, (family,): (p3::IpAddressFamily,)| {
            let guest: &mut Guest = store.data_mut();
            if is_refused(guest, Transport::Tcp) {
                return Ok((Err(p3::ErrorCode::AccessDenied),));
            }
            let socket = p3::HostTcpSocket::create(&mut guest.sockets(), family);
            Ok((untrapped(socket)?,))
        },
    )?;
    types.func_wrap_async(
        "[static]udp-socket.create",
        |mut store, (family,): (p3::IpAddressFamily,)| {
            Box::new(async move {
                let guest: &mut Guest = store.data_mut();
                if is_refused(guest, Transport::Udp) {
                    return Ok((Err(p3::ErrorCode::AccessDenied),));
                }
                let socket = p3::HostUdpSocket::create(&mut guest.sockets(), family).await;
                Ok((untrapped(socket)?,))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// An error code for the guest, or a trap.
fn untrapped<T, E>(
    result: Result<T, wasmtime_wasi::TrappableError<E>>,
) -> wasmtime::Result<Result<T, E>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => error.downcast().map(Err),
    }
}

fn is_refused(guest: &Guest, transport: Transport) -> bool {
    let refused = !may_open(&guest.recipe().reach.grants, transport);
    if refused {
        let (target, request) = (format!("{} socket", transport.as_str()), guest.origin().id);
        let _ = guest.guard().deny(NAME, &target, &"not granted", request);
    }
    refused
}
