//! A client that shows what really came: HTTP/1.1 and HTTP/2, plain or over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::within;

const PATIENCE: Duration = Duration::from_secs(60);

pub type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;

pub fn empty() -> RequestBody {
    body("")
}

pub fn body(bytes: impl Into<Bytes>) -> RequestBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that is sent frame by frame; it ends when the sender is dropped.
pub fn streamed() -> (mpsc::Sender<Frame<Bytes>>, RequestBody) {
    let (frames, mut source) = mpsc::channel(1);
    let frames_out =
        futures_util::stream::poll_fn(move |cx| source.poll_recv(cx).map(|f| f.map(Ok)));
    (frames, StreamBody::new(frames_out).boxed_unsync())
}

pub fn get(path: &str) -> Request<RequestBody> {
    Request::get(path).body(empty()).unwrap()
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
    /// Why the body did not end as it should.
    pub broken: Option<String>,
}

impl Answer {
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, mut incoming) = response.into_parts();
        let (mut body, mut trailers, mut broken) = (Vec::new(), None, None);
        while let Some(frame) =
            within(PATIENCE, "the next frame of a response", incoming.frame()).await
        {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => body.extend_from_slice(&data),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(error) => {
                    broken = Some(format!("{error:?}"));
                    break;
                }
            }
        }
        Self {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body: body.into(),
            trailers,
            broken,
        }
    }

    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body that is text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body that is JSON")
    }

    /// A header field; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a field that is text"))
    }

    /// The body came whole.
    pub fn whole(self) -> Self {
        assert_eq!(self.broken, None, "{self:?}");
        self
    }
}

enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

/// One connection.
pub struct Connection {
    sender: Sender,
    authority: String,
    scheme: &'static str,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub async fn http1(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::start_http1(stream, "http", address.to_string()).await
    }

    /// With prior knowledge (RFC 9113 §3.3).
    pub async fn http2(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::start_http2(stream, "http", address.to_string()).await
    }

    /// What ALPN says.
    pub async fn tls(
        address: SocketAddr,
        name: &str,
        config: Arc<rustls::ClientConfig>,
    ) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let server = ServerName::try_from(name.to_owned()).expect("a server name");
        let stream = TlsConnector::from(config).connect(server, stream).await?;
        let authority = format!("{name}:{}", address.port());
        Ok(match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Self::start_http2(stream, "https", authority).await,
            _ => Self::start_http1(stream, "https", authority).await,
        })
    }

    async fn start_http1<T>(stream: T, scheme: &'static str, authority: String) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self {
            sender: Sender::Http1(sender),
            authority,
            scheme,
            driver,
        }
    }

    async fn start_http2<T>(stream: T, scheme: &'static str, authority: String) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let built = builder
            .initial_stream_window_size(64 << 10)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = built.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self {
            sender: Sender::Http2(sender),
            authority,
            scheme,
            driver,
        }
    }

    /// More streams of the same HTTP/2 connection, which must outlive them.
    pub fn streams(&self) -> Self {
        let Sender::Http2(sender) = &self.sender else {
            panic!("HTTP/1.1 has no streams");
        };
        Self {
            sender: Sender::Http2(sender.clone()),
            authority: self.authority.clone(),
            scheme: self.scheme,
            driver: tokio::spawn(async {}),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(get(path)).await
    }

    /// Sends a request and reads its answer to the end.
    pub async fn ask(&mut self, request: Request<RequestBody>) -> Answer {
        let response = self.send(request).await.expect("a response");
        Answer::read(response).await
    }

    /// Sends a request and waits for the head. A target that is only a path gets the
    /// authority of this connection.
    pub async fn send(
        &mut self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                if !request.headers().contains_key(HOST) {
                    let host = HeaderValue::try_from(&self.authority).unwrap();
                    request.headers_mut().insert(HOST, host);
                }
                within(PATIENCE, "an idle connection", sender.ready()).await?;
                within(PATIENCE, "a response head", sender.send_request(request)).await
            }
            Sender::Http2(sender) => {
                if request.uri().authority().is_none() {
                    let target = request.uri().path_and_query().unwrap().clone();
                    let uri = Uri::builder()
                        .scheme(self.scheme)
                        .authority(self.authority.as_str());
                    *request.uri_mut() = uri.path_and_query(target).build().unwrap();
                }
                within(PATIENCE, "an idle connection", sender.ready()).await?;
                within(PATIENCE, "a response head", sender.send_request(request)).await
            }
        }
    }
}
