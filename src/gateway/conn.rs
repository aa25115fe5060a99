//! One connection: TLS, protocol, hyper, and its end.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::gate::Gate;
use super::io::{Hangup, Wire};
use super::service::{Peer, stack};
use super::streams::StreamExecutor;
use super::watchdog::{Bark, Pulse, PulseLimits, Watchdog};
use crate::component::Scheme;
use crate::config::ServerLimits;
use crate::monitoring::CONNECTION_ERRORS;

/// The first bytes of an HTTP/2 connection (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a connection that was told to end may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

/// Serves a connection until it ends.
pub(crate) async fn run(
    gate: Arc<Gate>,
    socket: TcpStream,
    client: SocketAddr,
    tls: Option<TlsAcceptor>,
) {
    let limits = gate.snapshot().limits.clone();
    // Here, not in accept(): one client that stalls its handshake must not stop the others.
    let result = match tls {
        Some(tls) => secured(&gate, socket, client, &tls, &limits).await,
        None => plain(&gate, socket, client, &limits).await,
    };
    if let Err(error) = result {
        metrics::counter!(CONNECTION_ERRORS, "kind" => error.kind()).increment(1);
        tracing::debug!(%client, %error, "connection ended");
    }
}

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("the client sent nothing in time")]
    Silent,
    #[error("TLS handshake failed: {0}")]
    Handshake(std::io::Error),
    #[error("cannot read: {0}")]
    Read(std::io::Error),
    #[error("the client took too long")]
    Stalled,
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

impl ConnectionError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Handshake(_) => "tls_handshake",
            Self::Read(_) => "read",
            Self::Stalled => "stalled",
            Self::Http(error) if error.is_parse_too_large() => "too_large",
            Self::Http(error) if error.is_parse() => "malformed",
            Self::Http(_) => "http",
        }
    }
}

async fn secured(
    gate: &Arc<Gate>,
    socket: TcpStream,
    client: SocketAddr,
    tls: &TlsAcceptor,
    limits: &ServerLimits,
) -> Result<(), ConnectionError> {
    let Some(handshake) = greet(gate, limits, tls.accept(socket)).await? else {
        return Ok(());
    };
    let stream = handshake.map_err(ConnectionError::Handshake)?;
    // ALPN decides (RFC 7301), so nothing needs to be guessed.
    let version = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Version::Http2,
        _ => Version::Http1,
    };
    drive(
        gate,
        stream,
        Bytes::new(),
        version,
        client,
        Scheme::Https,
        limits,
    )
    .await
}

async fn plain(
    gate: &Arc<Gate>,
    mut socket: TcpStream,
    client: SocketAddr,
    limits: &ServerLimits,
) -> Result<(), ConnectionError> {
    let Some(detected) = greet(gate, limits, detect(&mut socket)).await? else {
        return Ok(());
    };
    let (version, early) = detected.map_err(ConnectionError::Read)?;
    if early.is_empty() {
        return Ok(());
    }
    drive(gate, socket, early, version, client, Scheme::Http, limits).await
}

/// Waits for a client's first words, but not for ever, and not while draining: who has
/// asked nothing loses nothing.
async fn greet<T>(
    gate: &Gate,
    limits: &ServerLimits,
    words: impl Future<Output = T>,
) -> Result<Option<T>, ConnectionError> {
    tokio::select! {
        words = timeout(limits.detection_timeout, words) => match words {
            Ok(words) => Ok(Some(words)),
            Err(_elapsed) => Err(ConnectionError::Silent),
        },
        () = gate.draining() => Ok(None),
    }
}

/// Reads until the bytes are, or can no longer be, the HTTP/2 preface.
async fn detect(socket: &mut TcpStream) -> std::io::Result<(Version, Bytes)> {
    let mut early = BytesMut::with_capacity(4 << 10);
    loop {
        if socket.read_buf(&mut early).await? == 0 {
            return Ok((Version::Http1, early.freeze()));
        }
        let compared = early.len().min(HTTP2_PREFACE.len());
        if early[..compared] != HTTP2_PREFACE[..compared] {
            return Ok((Version::Http1, early.freeze()));
        }
        if compared == HTTP2_PREFACE.len() {
            return Ok((Version::Http2, early.freeze()));
        }
    }
}

async fn drive<T>(
    gate: &Arc<Gate>,
    stream: T,
    early: Bytes,
    version: Version,
    client: SocketAddr,
    scheme: Scheme,
    limits: &ServerLimits,
) -> Result<(), ConnectionError>
where
    T: AsyncRead + AsyncWrite + Hangup + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::new(PulseLimits {
        head: limits.head_timeout,
        keep_alive: limits.keep_alive,
        write: limits.write_timeout,
        heads_begin_on_read: version == Version::Http1,
    }));
    let registered = gate.register(&pulse);
    let wire = Wire::new(stream, early, pulse.clone());
    let number = registered.number();
    let peer = Peer::new(gate.clone(), client, scheme, pulse.clone(), number);
    let peer = Arc::new(peer);
    let stack = stack(peer);
    let service = hyper::service::service_fn(move |request| stack.clone().call(request));
    match version {
        Version::Http1 => {
            let connection = http1(limits).serve_connection(wire, service);
            let mut connection = std::pin::pin!(connection);
            watch(gate, &pulse, version, connection.as_mut(), |c| {
                c.graceful_shutdown()
            })
            .await
        }
        Version::Http2 => {
            let connection = http2(limits).serve_connection(wire, service);
            let mut connection = std::pin::pin!(connection);
            watch(gate, &pulse, version, connection.as_mut(), |c| {
                c.graceful_shutdown()
            })
            .await
        }
    }
}

/// Polls a connection together with its watchdog and the drain flag.
async fn watch<C>(
    gate: &Gate,
    pulse: &Pulse,
    version: Version,
    mut connection: Pin<&mut C>,
    say_goodbye: impl Fn(Pin<&mut C>),
) -> Result<(), ConnectionError>
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let mut watchdog = Watchdog::new(pulse);
    let mut leaving = false;
    let end = std::future::poll_fn(|cx| {
        pulse.register(cx);
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(result.map(|()| End::Done).map_err(ConnectionError::Http));
            }
            if gate.is_draining() && !leaving {
                leaving = true;
                say_goodbye(connection.as_mut());
                continue;
            }
            // hyper would wait for the rest of a request head that nobody will answer.
            if leaving && version == Version::Http1 && pulse.is_idle() {
                return Poll::Ready(Ok(End::Done));
            }
            match watchdog.poll(pulse, cx) {
                Poll::Ready(Bark::Look) => {}
                Poll::Ready(Bark::Close) => return Poll::Ready(Ok(End::Stalled)),
                Poll::Pending => return Poll::Pending,
            }
        }
    });
    match end.await? {
        End::Done => return Ok(()),
        // There is nothing to say in HTTP/1.
        End::Stalled if version == Version::Http1 => {}
        // Clients are told with GOAWAY; one that reads nothing is not waited for.
        End::Stalled => {
            say_goodbye(connection.as_mut());
            let _ = timeout(GOODBYE, connection).await;
        }
    }
    Err(ConnectionError::Stalled)
}

enum End {
    Done,
    Stalled,
}

fn http1(limits: &ServerLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    let head = limits.head_size.0 as usize;
    builder
        .timer(TokioTimer::new())
        // The watchdog bounds heads and idle connections without a timer a request.
        .header_read_timeout(None)
        .max_header_size(head)
        .max_buf_size(head.max(64 << 10));
    // Any other number than hyper's own costs an allocation a request.
    if limits.headers != 100 {
        builder.max_headers(limits.headers as usize);
    }
    builder
}

fn http2(limits: &ServerLimits) -> http2::Builder<StreamExecutor> {
    let executor = StreamExecutor {
        write_timeout: limits.write_timeout,
    };
    let mut builder = http2::Builder::new(executor);
    let window = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .initial_stream_window_size(window(limits.h2_stream_window.0))
        .initial_connection_window_size(window(limits.h2_connection_window.0))
        .max_header_list_size(window(limits.h2_header_list.0))
        .max_pending_accept_reset_streams(limits.h2_pending_resets as usize)
        .max_local_error_reset_streams(limits.h2_local_resets as usize)
        .max_send_buf_size(64 << 10)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.write_timeout);
    builder
}
