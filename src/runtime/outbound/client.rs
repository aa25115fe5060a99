//! The pooled client of one version: connections are kept for the next request, never
//! shared with another component, and stay on the thread that made them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime;
use wasmtime_wasi_http::WasiBody;

use super::connect::Connector;
use super::network::Network;
use crate::runtime::guard::Guard;
use crate::security::Egress;

/// Connections without a request, a host.
const IDLE_CONNECTIONS: usize = 32;
/// How long a connection waits for its next request. Most servers wait for a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a response head.
const HEAD_SIZE: usize = 64 << 10;
/// Bytes of a request that are queued for one HTTP/2 stream.
const SEND_BUFFER: usize = 64 << 10;
/// Streams that a server may reset before its connection counts as an attack.
const RESETS: usize = 64;

pub(super) type HttpClient = Client<Connector, WasiBody>;

/// One client for each thread that serves: a connection's task and its requests meet there
/// without waking another.
#[derive(Default)]
pub(crate) struct Clients(RwLock<Vec<Entry>>);

struct Entry {
    thread: runtime::Id,
    network: Arc<Network>,
    client: Arc<HttpClient>,
}

impl Clients {
    /// The client of this thread; a new one where `[outbound]` has changed.
    pub(super) fn get(
        &self,
        network: &Arc<Network>,
        egress: &Arc<Egress>,
        guard: &Arc<Guard>,
    ) -> Arc<HttpClient> {
        let thread = runtime::Handle::current().id();
        let is_it = |entry: &&Entry| entry.thread == thread && Arc::ptr_eq(&entry.network, network);
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().find(is_it) {
            return entry.client.clone();
        }
        drop(entries);
        let client = Arc::new(client(Connector {
            network: network.clone(),
            egress: egress.clone(),
            guard: guard.clone(),
        }));
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.thread != thread);
        entries.push(Entry {
            thread,
            network: network.clone(),
            client: client.clone(),
        });
        client
    }
}

fn client(connector: Connector) -> HttpClient {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http1_max_buf_size(HEAD_SIZE)
        .http2_max_header_list_size(HEAD_SIZE as u32)
        .http2_max_send_buf_size(SEND_BUFFER)
        .http2_max_local_error_reset_streams(Some(RESETS));
    builder.build(connector)
}
