//! Listening sockets: bound before anything is promised, accepted from until told to stop.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::conn;
use super::gate::Gate;
use super::tls::TlsSettings;
use super::workers::Workers;
use crate::config::Config;
use crate::monitoring::CONNECTION_ERRORS;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 4_096;
/// How long to wait when the process is out of descriptors or memory.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    pub address: SocketAddr,
    pub error: io::Error,
}

/// One listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Socket {
    pub address: SocketAddr,
    pub tls: bool,
}

/// A listener of the configuration: its socket, and which of those with this socket it is.
/// Port 0 may be there more than once, and is another port each time.
type Wanted = (Socket, usize);

/// The open listeners. What a new configuration still has is never closed.
pub struct Listeners {
    gate: Arc<Gate>,
    tls: Arc<ArcSwapOption<TlsSettings>>,
    open: HashMap<Wanted, Listener>,
    /// Sockets that systemd has opened, by address (sd_listen_fds(3)).
    inherited: Vec<std::net::TcpListener>,
    workers: Arc<Workers>,
}

struct Listener {
    local: SocketAddr,
    task: AbortHandle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listeners that are bound and do not accept yet.
pub struct Bound(Vec<(Wanted, TcpListener)>);

impl Listeners {
    pub fn new(
        gate: Arc<Gate>,
        workers: Arc<Workers>,
        inherited: Vec<std::net::TcpListener>,
    ) -> Self {
        let tls = Arc::new(ArcSwapOption::empty());
        Self {
            gate,
            tls,
            open: HashMap::new(),
            inherited,
            workers,
        }
    }

    /// Binds what `config` has and is not open yet.
    ///
    /// # Errors
    /// An address is taken or not ours; nothing is changed then.
    pub fn bind(&mut self, config: &Config) -> Result<Bound, BindError> {
        let mut bound = Vec::new();
        for wanted in wanted(config) {
            if !self.open.contains_key(&wanted) {
                bound.push((wanted, self.listen(wanted.0.address)?));
            }
        }
        Ok(Bound(bound))
    }

    fn listen(&mut self, address: SocketAddr) -> Result<TcpListener, BindError> {
        let fits = |l: &std::net::TcpListener| l.local_addr().is_ok_and(|local| local == address);
        let listener = match self.inherited.iter().position(fits) {
            Some(place) => {
                let listener = self.inherited.swap_remove(place);
                listener
                    .set_nonblocking(true)
                    .and_then(|()| TcpListener::from_std(listener))
            }
            None => bind(address),
        };
        listener.map_err(|error| BindError { address, error })
    }

    /// Accepts from what was bound, stops accepting where `config` has no listener any
    /// more, and uses `tls` for every handshake from now on.
    pub fn apply(&mut self, config: &Config, bound: Bound, tls: Option<TlsSettings>) {
        self.tls.store(tls.map(Arc::new));
        let still = wanted(config);
        self.open.retain(|wanted, _| still.contains(wanted));
        for (wanted, listener) in bound.0 {
            let (socket, _) = wanted;
            let local = listener.local_addr().unwrap_or(socket.address);
            let tls = socket.tls.then(|| self.tls.clone());
            let task = {
                let door = Door {
                    gate: self.gate.clone(),
                    workers: self.workers.clone(),
                    tls,
                };
                tokio::spawn(door.accept(listener)).abort_handle()
            };
            self.open.insert(wanted, Listener { local, task });
        }
    }

    /// Where connections are really accepted, with the ports the kernel chose.
    pub fn addresses(&self) -> Vec<Socket> {
        let local = |((socket, _), listener): (&Wanted, &Listener)| Socket {
            address: listener.local,
            tls: socket.tls,
        };
        let mut addresses: Vec<Socket> = self.open.iter().map(local).collect();
        addresses.sort_by_key(|socket| (socket.tls, socket.address));
        addresses
    }

    /// Accepts nothing any more.
    pub fn close(&mut self) {
        self.open.clear();
    }
}

fn wanted(config: &Config) -> Vec<Wanted> {
    let plain = config.server.listen.iter().map(|address| (*address, false));
    let tls = config
        .server
        .tls
        .iter()
        .flat_map(|tls| &tls.listen)
        .map(|address| (*address, true));
    let mut times = HashMap::new();
    plain
        .chain(tls)
        .map(|(address, tls)| {
            let socket = Socket { address, tls };
            let nth = times.entry(socket).or_insert(0);
            *nth += 1;
            (socket, *nth)
        })
        .collect()
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    // A restart must not wait for the last connections of the old process to fade.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Where accepted connections go.
struct Door {
    gate: Arc<Gate>,
    workers: Arc<Workers>,
    tls: Option<Arc<ArcSwapOption<TlsSettings>>>,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        loop {
            self.gate.room().await;
            match listener.accept().await {
                Ok((socket, client)) => self.welcome(socket, client),
                Err(error) => pause_after(&error).await,
            }
        }
    }

    fn welcome(&self, socket: TcpStream, client: SocketAddr) {
        // Without it streamed answers wait for delayed acknowledgements (Nagle).
        let _ = socket.set_nodelay(true);
        let acceptor = match self.tls.as_ref().map(|tls| tls.load_full()) {
            None => None,
            Some(Some(settings)) => Some(TlsAcceptor::from(settings.0.clone())),
            Some(None) => return,
        };
        // The socket belongs to the event loop of the thread that serves it.
        let Ok(socket) = socket.into_std() else {
            return;
        };
        let place = self.gate.open();
        let gate = self.gate.clone();
        self.workers.spawn(async move {
            if let Ok(socket) = TcpStream::from_std(socket) {
                conn::run(gate, socket, client, acceptor).await;
            }
            drop(place);
        });
    }
}

/// Nothing that `accept` reports may end the server (accept(2)).
async fn pause_after(error: &io::Error) {
    let aborted = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    metrics::counter!(CONNECTION_ERRORS, "kind" => "accept").increment(1);
    if !aborted {
        tracing::error!(%error, "cannot accept connections; trying again");
        tokio::time::sleep(EXHAUSTED).await;
    }
}
