//! Servers that guests ask: real sockets on ports of their own, and a record of what came.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::{RequestBody, body, eventually};

/// The head of a request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub version: Version,
    pub headers: HeaderMap,
}

impl Seen {
    /// A header field; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a field that is text"))
    }
}

#[derive(Default)]
struct Record {
    accepted: AtomicUsize,
    open: AtomicUsize,
    busy: AtomicUsize,
    peak: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

/// Counts one more while it lives.
struct Counted(Arc<Record>, fn(&Record) -> &AtomicUsize);

impl Counted {
    fn new(record: &Arc<Record>, counter: fn(&Record) -> &AtomicUsize) -> Self {
        counter(record).fetch_add(1, Ordering::SeqCst);
        Self(record.clone(), counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

/// A server; it and its connections end with the test.
pub struct Origin {
    address: SocketAddr,
    record: Arc<Record>,
    accepting: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Origin {
    /// Does with each connection what `each` says; it counts as open until that is done.
    pub async fn raw<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::accept(move |stream, _| each(stream)).await
    }

    async fn accept<F>(each: impl Fn(TcpStream, Arc<Record>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::<Record>::default();
        let kept = record.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                record.accepted.fetch_add(1, Ordering::SeqCst);
                let open = Counted::new(&record, |record| &record.open);
                let connection = each(stream, record.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(open);
                });
            }
        });
        Self {
            address,
            record: kept,
            accepting,
        }
    }

    /// HTTP/1.1, and HTTP/2 with prior knowledge.
    pub async fn serving<F>(
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<RequestBody>> + Send + 'static,
    {
        Self::accept(move |stream, record| serve(stream, record, answer.clone())).await
    }

    /// Answers everything with 200 and `ok`.
    pub async fn ok() -> Self {
        Self::serving(async |_| Response::new(body("ok"))).await
    }

    /// HTTPS, with what `alpn` offers.
    pub async fn tls<F>(
        certificate: &Certificate,
        alpn: &[&str],
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<RequestBody>> + Send + 'static,
    {
        let acceptor = certificate.acceptor(alpn);
        Self::accept(move |stream, record| {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, record, answer).await;
                }
            }
        })
        .await
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT` and the path, as a value of a query.
    pub fn url(&self, path: &str) -> String {
        encoded(&format!("http://{}{path}", self.address))
    }

    /// `scheme://host:PORT` and the path, as a value of a query.
    pub fn url_by(&self, scheme: &str, host: &str, path: &str) -> String {
        encoded(&format!("{scheme}://{host}:{}{path}", self.port()))
    }

    /// What grants it by its address.
    pub fn grant(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections that were ever made.
    pub fn accepted(&self) -> usize {
        self.record.accepted.load(Ordering::SeqCst)
    }

    /// The most requests that it worked on at once.
    pub fn peak(&self) -> usize {
        self.record.peak.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    /// Waits until so many connections are open.
    pub async fn open(&self, count: usize) {
        eventually(&format!("{count} connections to the origin"), async || {
            self.record.open.load(Ordering::SeqCst) == count
        })
        .await;
    }
}

async fn serve<S, F>(
    stream: S,
    record: Arc<Record>,
    answer: impl Fn(Request<Incoming>) -> F + Clone,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<RequestBody>> + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let head = Seen {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
        };
        record.seen.lock().unwrap().push(head);
        let busy = Counted::new(&record, |record| &record.busy);
        let now = record.busy.load(Ordering::SeqCst);
        record.peak.fetch_max(now, Ordering::SeqCst);
        let answer = answer(request);
        async move {
            let response = answer.await;
            drop(busy);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Everything but letters and digits as `%XX` (RFC 3986 §2.1).
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Who signs the certificates of a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate: the value of `outbound.ca`.
    pub file: PathBuf,
}

impl Authority {
    pub fn write(dir: &std::path::Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = dir.join("ca.crt");
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    /// A certificate for these names or addresses.
    pub fn certify(&self, names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Certificate {
            cert: cert.der().clone(),
            key: key.serialize_der(),
        }
    }
}

/// What a server shows.
pub struct Certificate {
    cert: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.cert.clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }
}

/// Of a body, whatever came of it.
pub async fn collected(body: Incoming) -> Bytes {
    use http_body_util::BodyExt as _;
    body.collect()
        .await
        .map_or(Bytes::new(), |it| it.to_bytes())
}
