//! A bare socket, for what no client would send.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::within;

/// Longer than anybody waits for a condition: who still waits then has not ended.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Raw {
    pub stream: TcpStream,
}

pub const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Raw {
    /// Asks for a path over HTTP/2, without room for any of the response's body.
    pub async fn get_without_window(&mut self, path: &str) {
        // SETTINGS_INITIAL_WINDOW_SIZE = 0.
        let no_window = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        // HEADERS, END_STREAM and END_HEADERS: GET, http, the path, authority a.
        let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        block.extend(path.as_bytes());
        block.extend([0x01, 1, b'a']);
        let mut headers = vec![0, 0, block.len() as u8, 1, 5, 0, 0, 0, 1];
        headers.extend(block);
        self.send(PREFACE).await.send(no_window).await;
        self.send(headers).await;
    }

    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream }
    }

    /// With a receive buffer so small that a server soon cannot write.
    pub async fn with_small_buffer(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Self { stream }
    }

    /// The other side may have closed already; then what comes back tells.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        self
    }

    /// Everything until the other side closes, or resets.
    pub async fn rest(&mut self) -> Vec<u8> {
        self.rest_within(PATIENCE).await
    }

    pub async fn rest_within(&mut self, time: Duration) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = async {
            let mut piece = [0; 16 << 10];
            loop {
                match self.stream.read(&mut piece).await {
                    Ok(0) | Err(_) => return,
                    Ok(length) => bytes.extend_from_slice(&piece[..length]),
                }
            }
        };
        within(time, "the other side to close", read).await;
        bytes
    }

    /// What comes until `end` was in it, or the other side closes.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        let read = async {
            while !contains(&bytes, end.as_bytes()) {
                match self.stream.read_u8().await {
                    Ok(byte) => bytes.push(byte),
                    Err(_) => return,
                }
            }
        };
        within(PATIENCE, &format!("{end:?}"), read).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The head of a response.
    pub async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Sends a request, and everything that comes back until the other side closes.
    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> String {
        self.send(request).await;
        String::from_utf8_lossy(&self.rest().await).into_owned()
    }

    /// How long until the other side closes; what it sends meanwhile does not matter.
    pub async fn closed_after(&mut self) -> Duration {
        let began = Instant::now();
        self.rest().await;
        began.elapsed()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
