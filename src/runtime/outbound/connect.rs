//! One connection to the outside: every address of the name is checked before it is tried,
//! and the peer once more when the connection is there, so that a name which leads
//! elsewhere between two looks (DNS rebinding) gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::network::{Network, literal};
use crate::core::{HttpScheme, RequestId};
use crate::runtime::guard::{Guard, Verdict};
use crate::security::{Denied, Egress};

/// How long one address has before the next is tried beside it (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the name cannot be resolved: {0}")]
    Name(String),
    #[error(transparent)]
    Denied(Denied),
    #[error("no connection in time")]
    Timeout,
    #[error("cannot connect: {0}")]
    Io(io::Error),
    #[error("TLS failed: {0}")]
    Tls(io::Error),
}

/// Makes connections for one component.
#[derive(Clone)]
pub(super) struct Connector {
    pub network: Arc<Network>,
    pub egress: Arc<Egress>,
    pub guard: Arc<Guard>,
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.network.settings.connect_timeout;
            let wire = tokio::time::timeout(timeout, connector.connect(&uri)).await;
            wire.unwrap_or(Err(ConnectError::Timeout)).map(TokioIo::new)
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<Wire, ConnectError> {
        let host = uri.host().unwrap_or_default();
        let (scheme, default) = match uri.scheme_str() {
            Some("https") => (HttpScheme::Https, 443),
            _ => (HttpScheme::Http, 80),
        };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = self.network.resolve(host).await?;
        let socket = self.reach(&self.permitted(addresses, port)?).await?;
        match scheme {
            HttpScheme::Http => Ok(Wire::Plain(socket)),
            HttpScheme::Https => self.secure(host, socket).await,
        }
    }

    /// Those of the addresses that the component may connect to.
    fn permitted(
        &self,
        addresses: Vec<IpAddr>,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let mut refused = None;
        let mut permitted = Vec::with_capacity(addresses.len());
        for ip in addresses {
            let address = SocketAddr::new(ip, port);
            match self.check(address) {
                Ok(()) => permitted.push(address),
                Err(denied) => refused = Some(denied),
            }
        }
        match (permitted.is_empty(), refused) {
            (true, Some(denied)) => return Err(ConnectError::Denied(denied)),
            // A name that leads both outside and inside is not an honest one.
            (false, Some(denied)) => {
                let _ = self.guard.deny_egress(&denied, RequestId::NONE);
            }
            (_, None) => {}
        }
        Ok(permitted)
    }

    fn check(&self, address: SocketAddr) -> Result<(), Denied> {
        let Err(denied) = self.egress.address(address) else {
            return Ok(());
        };
        // What is refused is reported with its request, by whoever made it.
        if !self.guard.audits() || denied.reason.is_absolute() {
            return Err(denied);
        }
        match self.guard.deny_egress(&denied, RequestId::NONE) {
            Verdict::Audited => Ok(()),
            Verdict::Refused => Err(denied),
        }
    }

    /// Tries one address after the other, each beside those before it; the first that
    /// answers is taken (RFC 8305 §5).
    async fn reach(&self, addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
        let mut left = addresses.iter();
        let mut attempts = FuturesUnordered::new();
        let mut failure = ConnectError::Name("it has no address".into());
        loop {
            if let Some(address) = left.next() {
                attempts.push(TcpStream::connect(*address));
            } else if attempts.is_empty() {
                return Err(failure);
            }
            let first = attempts.next();
            let first = match left.len() {
                0 => first.await,
                _ => tokio::time::timeout(STAGGER, first).await.unwrap_or(None),
            };
            match first {
                Some(Ok(socket)) => {
                    let peer = socket.peer_addr().map_err(ConnectError::Io)?;
                    self.check(peer).map_err(ConnectError::Denied)?;
                    // Requests are written whole: waiting to fill packets only delays them.
                    socket.set_nodelay(true).map_err(ConnectError::Io)?;
                    return Ok(socket);
                }
                Some(Err(error)) => failure = ConnectError::Io(error),
                None => {}
            }
        }
    }

    async fn secure(&self, host: &str, socket: TcpStream) -> Result<Wire, ConnectError> {
        let name = match literal(host) {
            Some(address) => ServerName::IpAddress(address.into()),
            None => ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned())
                .map_err(|error| ConnectError::Name(error.to_string()))?,
        };
        let tls = TlsConnector::from(self.network.tls.clone());
        let stream = tls.connect(name, socket).await.map_err(ConnectError::Tls)?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}

/// A socket to the outside.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                Connected::new().negotiated_h2()
            }
            _ => Connected::new(),
        }
    }
}

macro_rules! on_socket {
    ($wire:expr, $socket:ident => $body:expr) => {
        match $wire.get_mut() {
            Wire::Plain($socket) => $body,
            Wire::Tls($socket) => $body,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_socket!(self, socket => Pin::new(socket).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_socket!(self, socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(self, socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(self, socket => Pin::new(socket).poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_socket!(self, socket => Pin::new(socket).poll_write_vectored(cx, bytes))
    }
}
