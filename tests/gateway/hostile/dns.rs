//! A name server that answers as a test wants, by UDP and TCP (RFC 1035). Nothing it says
//! may be kept: every TTL is 0.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const HEADER: usize = 12;

#[derive(Clone)]
pub enum Record {
    Address(IpAddr),
    /// CNAME; the records after it belong to that name.
    Alias(&'static str),
}

/// For addresses as they are written.
pub fn addresses(list: &[&str]) -> Vec<Record> {
    let parse = |text: &&str| Record::Address(text.parse().unwrap());
    list.iter().map(parse).collect()
}

/// All records of a name, given how often the same question was asked before. It is asked
/// for A and for AAAA; each gets those of its kind.
type Script = Box<dyn Fn(&str, usize) -> Vec<Record> + Send + Sync>;

struct Zone {
    script: Script,
    asked: Mutex<HashMap<(String, u16), usize>>,
    /// Answers that fitted only into TCP.
    by_tcp: Mutex<usize>,
}

pub struct Dns {
    address: SocketAddr,
    zone: Arc<Zone>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Dns {
    /// Names that begin with `tcp-` are answered by TCP alone.
    pub async fn start(
        script: impl Fn(&str, usize) -> Vec<Record> + Send + Sync + 'static,
    ) -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().unwrap();
        let zone = Arc::new(Zone {
            script: Box::new(script),
            asked: Mutex::default(),
            by_tcp: Mutex::default(),
        });
        let tasks = [
            tokio::spawn(serve_udp(udp, zone.clone())),
            tokio::spawn(serve_tcp(tcp, zone.clone())),
        ];
        Self {
            address,
            zone,
            tasks,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often anything was asked about names that end in this.
    pub fn asked(&self, end: &str) -> usize {
        let asked = self.zone.asked.lock().unwrap();
        let about = asked.iter().filter(|((name, _), _)| name.ends_with(end));
        about.map(|(_, times)| times).sum()
    }

    pub fn asked_by_tcp(&self) -> usize {
        *self.zone.by_tcp.lock().unwrap()
    }
}

/// Both at one port, which somebody else may have for one of them.
async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both");
}

async fn serve_udp(socket: UdpSocket, zone: Arc<Zone>) {
    let mut message = [0; 2 << 10];
    while let Ok((length, peer)) = socket.recv_from(&mut message).await {
        if let Some(answer) = zone.answer(&message[..length], false) {
            let _ = socket.send_to(&answer, peer).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, zone: Arc<Zone>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_stream(stream, zone.clone()));
    }
}

/// Messages with their length before them (RFC 1035 §4.2.2).
async fn serve_stream(mut stream: TcpStream, zone: Arc<Zone>) -> Option<()> {
    loop {
        let length = stream.read_u16().await.ok()?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await.ok()?;
        let answer = zone.answer(&message, true)?;
        let length = u16::try_from(answer.len()).ok()?.to_be_bytes();
        let framed = [&length[..], &answer].concat();
        stream.write_all(&framed).await.ok()?;
    }
}

impl Zone {
    fn answer(&self, message: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
        let question = Question::read(message)?;
        if !by_tcp && question.name.starts_with("tcp-") {
            return Some(question.reply(message, 0, true));
        }
        *self.by_tcp.lock().unwrap() += usize::from(by_tcp);
        let times = self.ask(&question);
        let records = (self.script)(&question.name, times);
        let (mut answers, mut owner) = (Vec::new(), vec![0xc0, HEADER as u8]);
        let mut count = 0;
        for record in &records {
            let Some((kind, data)) = question.data(record) else {
                continue;
            };
            count += 1;
            answers.extend_from_slice(&owner);
            answers.extend_from_slice(&kind.to_be_bytes());
            answers.extend_from_slice(&[0, 1, 0, 0, 0, 0]); // IN, TTL 0
            answers.extend_from_slice(&(data.len() as u16).to_be_bytes());
            answers.extend_from_slice(&data);
            if kind == CNAME {
                owner = data;
            }
        }
        let mut reply = question.reply(message, count, false);
        reply.extend_from_slice(&answers);
        Some(reply)
    }

    /// How often the same was asked before.
    fn ask(&self, question: &Question) -> usize {
        let mut asked = self.asked.lock().unwrap();
        let key = (question.name.clone(), question.kind);
        let times = asked.entry(key).or_default();
        *times += 1;
        *times - 1
    }
}

struct Question {
    /// In lower case.
    name: String,
    kind: u16,
    /// Where it ends in the message.
    end: usize,
}

impl Question {
    fn read(message: &[u8]) -> Option<Self> {
        let (mut labels, mut at) = (Vec::new(), HEADER);
        loop {
            let length = usize::from(*message.get(at)?);
            let label = message.get(at + 1..at + 1 + length)?;
            at += 1 + length;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        }
        let kind = message.get(at..at + 2)?;
        Some(Self {
            name: labels.join("."),
            kind: u16::from_be_bytes(kind.try_into().ok()?),
            end: at + 4,
        })
    }

    /// The type and data of a record that answers it.
    fn data(&self, record: &Record) -> Option<(u16, Vec<u8>)> {
        match record {
            Record::Alias(name) => Some((CNAME, wire(name))),
            Record::Address(IpAddr::V4(ip)) if self.kind == A => Some((A, ip.octets().into())),
            Record::Address(IpAddr::V6(ip)) if self.kind == AAAA => {
                Some((AAAA, ip.octets().into()))
            }
            Record::Address(_) => None,
        }
    }

    /// The header and the question again. Without an EDNS record, which nobody must answer.
    fn reply(&self, message: &[u8], answers: u16, truncated: bool) -> Vec<u8> {
        let mut reply = message[..2].to_vec();
        let flags: u16 = if truncated { 0x8380 } else { 0x8180 };
        for field in [flags, 1, answers, 0, 0] {
            reply.extend_from_slice(&field.to_be_bytes());
        }
        reply.extend_from_slice(&message[HEADER..self.end]);
        reply
    }
}

/// A name as messages have it (RFC 1035 §3.1).
fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> = labels
        .flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat())
        .collect();
    bytes.push(0);
    bytes
}
