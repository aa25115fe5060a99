//! Listeners of this machine that see who comes to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use crate::support::{eventually, within};

/// What a witness says to whoever says something.
const REACHED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nreached";
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes connections at every address of this machine, loopback of IPv6 too where there is.
pub struct Witness {
    port: u16,
    peers: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Witness {
    pub async fn start() -> Self {
        Self::answering(REACHED).await
    }

    pub async fn answering(answer: impl Into<Arc<str>>) -> Self {
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(both) => both,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        let peers = Arc::<Mutex<Vec<_>>>::default();
        let task = tokio::spawn(accept(listener, peers.clone(), answer.into()));
        Self { port, peers, task }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who has come so far. The test comes itself: whoever stood in the queue before it is
    /// counted then.
    pub async fn connections(&self) -> usize {
        let marker = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await;
        let marker = marker.unwrap().local_addr().unwrap().port();
        let place = || {
            let peers = self.peers.lock().unwrap();
            peers.iter().position(|peer| peer.port() == marker)
        };
        eventually("the test is seen", async || place().is_some()).await;
        let mut peers = self.peers.lock().unwrap();
        peers.retain(|peer| peer.port() != marker);
        peers.len()
    }
}

async fn accept(listener: TcpListener, peers: Arc<Mutex<Vec<SocketAddr>>>, answer: Arc<str>) {
    while let Ok((stream, peer)) = listener.accept().await {
        peers.lock().unwrap().push(peer);
        tokio::spawn(respond(stream, answer.clone()));
    }
}

async fn respond(mut stream: TcpStream, answer: Arc<str>) {
    let mut head = [0; 4 << 10];
    if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

/// Takes datagrams at 127.0.0.1 and sends them back.
pub struct Datagrams {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Datagrams {
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let list = received.clone();
        let task = tokio::spawn(async move {
            let mut bytes = [0; 2 << 10];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes).await {
                list.lock().unwrap().push(bytes[..length].to_vec());
                let _ = socket.send_to(&bytes[..length], peer).await;
            }
        });
        Self {
            address,
            received,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many came so far. The test sends one itself: what was in the queue before it is
    /// counted when it comes back.
    pub async fn count(&self) -> usize {
        const MARKER: &[u8] = b"the test itself";
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(MARKER, self.address).await.unwrap();
        let mut back = [0; 64];
        let back = within(PATIENCE, "a datagram", socket.recv(&mut back)).await;
        assert_eq!(back.unwrap(), MARKER.len());
        let mut received = self.received.lock().unwrap();
        received.retain(|bytes| bytes != MARKER);
        received.len()
    }
}
