//! Connections of the admin API: HTTP/1.1, so many at once, none of them slow for long.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::patient::Patient;

/// Beyond it others wait to be accepted.
const CONNECTIONS: usize = 128;
/// Until a request head is there, also that of the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request head.
const HEAD_SIZE: usize = 32 << 10;
/// While the other side takes nothing of an answer.
const WRITE_STALL: Duration = Duration::from_secs(30);
/// How long to read on after an answer that did not wait for the end of its request.
const LINGER: Duration = Duration::from_secs(2);
/// How long to wait when the process is out of descriptors or memory.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// One accepted connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// Something that accepts connections.
pub(super) trait Accept: Send {
    fn accept(&self) -> impl Future<Output = io::Result<Box<dyn Stream>>> + Send;
}

/// Serves until it is dropped, and every connection with it.
pub(super) async fn serve(listener: impl Accept, router: Router) -> Infallible {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // Never closed, so there is one sooner or later.
        let Ok(place) = places.clone().acquire_owned().await else {
            continue;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok(stream) => drop(connections.spawn(connection(stream, router.clone(), place))),
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Nothing that `accept` reports may end the server (accept(2)).
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        tracing::error!(%error, "cannot accept admin connections; trying again");
        sleep(EXHAUSTED).await;
    }
}

async fn connection(stream: Box<dyn Stream>, router: Router, place: OwnedSemaphorePermit) {
    let stream = Patient::new(stream, WRITE_STALL);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let served = poll_fn(|cx| Pin::new(&mut connection).poll_without_shutdown(cx)).await;
    match served {
        Ok(()) => linger(connection.into_parts().io.into_inner()).await,
        Err(error) => tracing::debug!(%error, "admin connection ended"),
    }
    drop(place);
}

/// Closing while the other side still sends would make its kernel throw away our answer: of a
/// body that is too large, for one.
async fn linger(mut stream: impl Stream) {
    let rest = async {
        stream.shutdown().await?;
        let mut nowhere = [0; 8 << 10];
        while stream.read(&mut nowhere).await? > 0 {}
        io::Result::Ok(())
    };
    // It has its answer, or it never wanted one.
    let _ = timeout(LINGER, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, put};
    use std::net::SocketAddr;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    async fn started() -> (SocketAddr, JoinHandle<Infallible>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/refused", put(async || "no"));
        (address, tokio::spawn(serve(listener, router)))
    }

    async fn ask(stream: &mut TcpStream) {
        stream.write_all(HELLO).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
        }
    }

    #[tokio::test]
    async fn an_answer_arrives_though_its_request_goes_on() {
        let (address, _served) = started().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = b"PUT /refused HTTP/1.1\r\nhost: localhost\r\ncontent-length: 8000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        stream.write_all(&vec![0; 8_000_000]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("no"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn beyond_the_bound_connections_wait_for_a_place() {
        let (address, _served) = started().await;
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            ask(&mut stream).await;
            open.push(stream);
        }
        let mut waiting = TcpStream::connect(address).await.unwrap();
        let early = timeout(Duration::from_millis(200), ask(&mut waiting)).await;
        assert!(early.is_err(), "it has no place yet");
        drop(open.pop());
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert!(waiting.read_buf(&mut answer).await.unwrap() > 0);
        }
    }

    #[tokio::test]
    async fn connections_end_with_their_listener() {
        let (address, served) = started().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream).await;
        served.abort();
        assert!(served.await.unwrap_err().is_cancelled());
        let read = stream.read(&mut [0; 1]).await;
        assert!(read.is_err() || read.is_ok_and(|read| read == 0));
    }
}
