//! A server for tests that says exactly what it is told to, byte by byte, over TLS or without.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What is done on a connection once a request has come.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// The same again until the client has had enough.
    Endless(Vec<u8>),
    /// A tenth of a second of nothing.
    Pause,
    /// Nothing more.
    Wait,
    /// The connection breaks, without a goodbye.
    Cut,
}

/// A whole answer.
pub fn answer(status: &str, body: impl AsRef<[u8]>) -> Step {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Step::Send([head.as_bytes(), body].concat())
}

type Answers = dyn Fn(&str) -> Vec<Step> + Send + Sync;

/// A server on loopback; it and its connections end with the test.
pub struct Origin {
    address: SocketAddr,
    authority: Option<(TempDir, PathBuf)>,
    asked: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Origin {
    /// `answers` says what to do for a path (with its query), one request a connection.
    pub async fn plain(answers: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(answers)).await
    }

    pub async fn tls(answers: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let (dir, ca, acceptor) = certify();
        let mut origin = Self::start(Some(acceptor), Arc::new(answers)).await;
        origin.authority = Some((dir, ca));
        origin
    }

    async fn start(tls: Option<TlsAcceptor>, answers: Arc<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let record = asked.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, answers, record) = (tls.clone(), answers.clone(), record.clone());
                connections.spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answers, &record).await;
                            }
                        }
                        None => serve(stream, &*answers, &record).await,
                    }
                });
            }
        });
        Self {
            address,
            authority: None,
            asked,
            accepting,
        }
    }

    pub fn url(&self, path: &str) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.address)
    }

    /// `ADDRESS:PORT`, as images name a registry.
    #[cfg(feature = "oci")]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The file of who certified it.
    pub fn ca(&self) -> Option<&Path> {
        self.authority.as_ref().map(|(_, ca)| ca.as_path())
    }

    /// The heads of all requests that came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A certificate for 127.0.0.1, and the file of the authority that made it.
fn certify() -> (TempDir, PathBuf, TlsAcceptor) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.crt");
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(&file, params.self_signed(&authority).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, authority);

    let key = KeyPair::generate().unwrap();
    let cert = CertificateParams::new(["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (dir, file, Arc::new(config).into())
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &Answers,
    asked: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(head);
    for step in answers(&path) {
        match step {
            Step::Send(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            Step::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            Step::Pause => tokio::time::sleep(Duration::from_millis(100)).await,
            Step::Wait => std::future::pending().await,
            Step::Cut => return,
        }
    }
    let _ = stream.shutdown().await;
}
