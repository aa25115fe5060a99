//! The server behind the gateways of `loadtest/outbound.sh`: answers every request as bare-hyper does, keeps its
//! connections, and counts both. `/counts` tells what was counted, so that an answer which was not fetched cannot
//! pass for one that was. It has no limits and no timeouts: never expose it.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests answered, but for those of `/counts`.
static REQUESTS: AtomicU64 = AtomicU64::new(0);
/// Connections accepted, with those of `/counts`.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let address = std::env::args()
        .nth(1)
        .ok_or("usage: origin ADDRESS   (for example 127.0.0.1:8081)")?;
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        // An origin that limps on after a failed accept would measure the wrong thing: stop instead.
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        CONNECTIONS.fetch_add(1, Relaxed);
        tokio::spawn(serve(socket));
    }
}

async fn serve(socket: TcpStream) {
    // An error here is a gateway that went away; the load generator counts its own.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service_fn(answer))
        .await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.uri().path() {
        "/counts" => counts(),
        _ => {
            REQUESTS.fetch_add(1, Relaxed);
            Bytes::from_static(b"hello world\n")
        }
    };
    let mut response = Response::new(Full::new(body));
    let text = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, text);
    Ok(response)
}

fn counts() -> Bytes {
    let (requests, connections) = (REQUESTS.load(Relaxed), CONNECTIONS.load(Relaxed));
    format!("requests={requests} connections={connections}\n").into()
}
