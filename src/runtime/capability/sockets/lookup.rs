//! `wasi:sockets/ip-name-lookup`: names that some grant is for, resolved as outbound HTTP
//! resolves them. Others are refused: a lookup alone can carry data out.

use std::net::IpAddr;
use std::sync::Arc;
use std::vec;

use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network as p2;
use wasmtime_wasi::p2::{DynPollable, Network as NetworkHandle, Pollable, subscribe};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::ErrorCode as ErrorCode3;
use wasmtime_wasi::p3::bindings::sockets::types::IpAddress as IpAddress3;

use super::capability::NAME;
use crate::runtime::guard::Verdict;
use crate::runtime::guest::{Current, Guest};
use crate::runtime::outbound::Network;

pub(super) fn link(linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
    link_p2(linker)?;
    if concurrent {
        linker
            .instance("wasi:sockets/ip-name-lookup@0.3.0")?
            .func_wrap_concurrent("resolve-addresses", |guest, (name,): (String,)| {
                Box::pin(async move {
                    let begun = guest.with(|mut access| begin(access.get(), name));
                    let Some(lookup) = begun else {
                        return Ok((Err(ErrorCode3::AccessDenied),));
                    };
                    let found = lookup.run().await.map_err(|_| ErrorCode3::NameUnresolvable);
                    Ok(
                        (found
                            .map(|all| all.into_iter().map(IpAddress3::from).collect::<Vec<_>>()),),
                    )
                })
            })?;
    }
    Ok(())
}

fn link_p2(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("wasi:sockets/ip-name-lookup@0.2.12")?;
    interface.resource(
        "resolve-address-stream",
        ResourceType::host::<Stream>(),
        |mut store, handle| {
            let stream = Resource::<Stream>::new_own(handle);
            store.data_mut().table().delete(stream)?;
            Ok(())
        },
    )?;
    interface.func_wrap(
        "resolve-addresses",
        |mut store, (network, name): (Resource<NetworkHandle>, String)| {
            let guest = store.data_mut();
            guest.table().get(&network)?;
            let Some(lookup) = begin(guest, name) else {
                return Ok((Err(p2::ErrorCode::AccessDenied),));
            };
            let stream = Stream::Running(tokio::spawn(lookup.run()));
            Ok((Ok(guest.table().push(stream)?),))
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store, (stream,): (Resource<Stream>,)| {
            let stream = store.data_mut().table().get_mut(&stream)?;
            Ok((stream.next(),))
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store, (stream,): (Resource<Stream>,)| {
            let pollable: Resource<DynPollable> = subscribe(store.data_mut().table(), stream)?;
            Ok((pollable,))
        },
    )?;
    Ok(())
}

/// A lookup that is granted.
struct Lookup {
    name: String,
    network: Arc<Network>,
    current: Arc<Current>,
}

/// `None`: refused, and reported.
fn begin(guest: &mut Guest, name: String) -> Option<Lookup> {
    let request = guest.origin().id;
    let reach = &guest.recipe().reach;
    if !reach.egress.lookup(&name) {
        let target = format!("lookup of {:.253}", name.escape_debug());
        if reach
            .guard
            .deny(NAME, &target, &"no grant is for this name", request)
            == Verdict::Refused
        {
            return None;
        }
    }
    let network = reach.services.network();
    let current = guest.current().clone();
    Some(Lookup {
        name,
        network,
        current,
    })
}

impl Lookup {
    async fn run(self) -> Result<Vec<IpAddr>, ()> {
        let found = self.network.resolve(&self.name).await.map_err(drop)?;
        let found: Vec<_> = found.iter().map(IpAddr::to_canonical).collect();
        self.current.found(&self.name, &found);
        Ok(found)
    }
}

/// The resource `resolve-address-stream`.
enum Stream {
    Running(tokio::task::JoinHandle<Result<Vec<IpAddr>, ()>>),
    Done(Result<vec::IntoIter<IpAddr>, ()>),
}

impl Stream {
    fn next(&mut self) -> Result<Option<p2::IpAddress>, p2::ErrorCode> {
        match self {
            Self::Running(_) => Err(p2::ErrorCode::WouldBlock),
            Self::Done(Ok(addresses)) => Ok(addresses.next().map(Into::into)),
            Self::Done(Err(())) => Err(p2::ErrorCode::NameUnresolvable),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Self::Running(task) = self {
            task.abort();
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        if let Self::Running(task) = self {
            let found = task.await.unwrap_or(Err(()));
            *self = Self::Done(found.map(Vec::into_iter));
        }
    }
}
