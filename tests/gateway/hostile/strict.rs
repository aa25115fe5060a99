//! A server of HTTP/1.1 that forgives nothing and tells each client the head it has sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub fields: Vec<(String, String)>,
    /// The whole of it came, as long as its head says.
    pub whole: bool,
    pub body: Vec<u8>,
    /// What no client of HTTP/1.1 sends.
    pub broken: Option<String>,
}

impl Received {
    /// Every value of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter();
        let of_name = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| &**value).collect()
    }
}

type List = Arc<Mutex<Vec<Received>>>;

pub struct StrictOrigin {
    address: SocketAddr,
    received: List,
    task: JoinHandle<()>,
}

impl Drop for StrictOrigin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StrictOrigin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = List::default();
        let list = received.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, list.clone()));
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

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// One request after the other, as long as they can be told apart.
async fn serve(stream: TcpStream, list: List) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream).await {
        let mut request = parse(&head);
        if request.broken.is_none() {
            read_body(&mut stream, &mut request).await;
        }
        let goes_on = request.broken.is_none() && request.whole;
        list.lock().unwrap().push(request);
        let length = head.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}");
        if !goes_on || stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Up to the empty line, `None` where nothing more comes.
async fn read_head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    loop {
        let read = stream.read_until(b'\n', &mut head).await.ok()?;
        if head.is_empty() {
            return None;
        }
        if read == 0 || head.ends_with(b"\r\n\r\n") {
            return Some(String::from_utf8_lossy(&head).into_owned());
        }
    }
}

fn parse(head: &str) -> Received {
    let mut lines = head.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let mut request = Received {
        method: first.first().copied().unwrap_or_default().to_owned(),
        target: first.get(1).copied().unwrap_or_default().to_owned(),
        fields: Vec::new(),
        whole: false,
        body: Vec::new(),
        broken: None,
    };
    if first.len() != 3 || first[2] != "HTTP/1.1" {
        request.broken = Some(format!("the request line {first:?}"));
    }
    for line in lines.filter(|line| !line.is_empty()) {
        let field = line.split_once(": ").or(line.split_once(':'));
        match field {
            Some((name, value)) if is_token(name) && !value.contains(['\r', '\n', '\0']) => {
                request.fields.push((name.to_owned(), value.to_owned()));
            }
            _ => request.broken = Some(format!("the field {line:?}")),
        }
    }
    request
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(known)
}

/// By the one way its head says, and no other (RFC 9112 §6.3).
async fn read_body(stream: &mut BufReader<TcpStream>, request: &mut Received) {
    let lengths = request.all("content-length");
    let codings = request.all("transfer-encoding");
    let read = match (&lengths[..], &codings[..]) {
        ([], []) => Ok(()),
        ([length], []) => {
            match length.bytes().all(|byte| byte.is_ascii_digit()) && !length.is_empty() {
                true => read_exact(stream, length.parse().unwrap(), &mut request.body).await,
                false => Err(format!("the length {length:?}")),
            }
        }
        ([], ["chunked"]) => read_chunks(stream, &mut request.body).await,
        _ => Err(format!("lengths {lengths:?} and codings {codings:?}")),
    };
    match read {
        Ok(()) => request.whole = true,
        Err(error) if error.is_empty() => {}
        Err(error) => request.broken = Some(error),
    }
}

/// An empty error: the client has gone.
async fn read_exact(
    stream: &mut BufReader<TcpStream>,
    length: usize,
    body: &mut Vec<u8>,
) -> Result<(), String> {
    let mut bytes = vec![0; length];
    stream
        .read_exact(&mut bytes)
        .await
        .map_err(|_| String::new())?;
    body.extend_from_slice(&bytes);
    Ok(())
}

async fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<(), String> {
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).await;
        if !read.is_ok_and(|read| read > 0) {
            return Err(String::new());
        }
        let size = line.strip_suffix("\r\n").unwrap_or(&line);
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return Err(format!("the chunk size {line:?}"));
        };
        read_exact(stream, size, body).await?;
        let mut end = Vec::new();
        read_exact(stream, 2, &mut end).await?;
        if end != b"\r\n" {
            return Err(format!("after a chunk {end:?}"));
        }
        if size == 0 {
            return Ok(());
        }
    }
}
