//! Messages for browsers: Server-Sent Events, with what was missed.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{member, ok, sending};
use crate::support::{Gate, Setup, get, within};

fn stage() -> Setup {
    let setup = member(Setup::default(), "sender", &[]);
    setup.route("path = \"/events\"\nevents = \"orders.*\"")
}

/// What a browser keeps of one event.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Event {
    id: String,
    name: String,
    data: String,
}

/// A stream of events, read as a browser does (WHATWG HTML §9.2.6).
struct Listener {
    body: Incoming,
    text: String,
    /// The last id: what a browser sends when it comes back.
    last: String,
    _connection: crate::support::Connection,
}

impl Listener {
    async fn of(gate: &Gate, last: Option<&str>) -> Self {
        let mut request = get("/events");
        if let Some(last) = last {
            let value = last.parse().unwrap();
            request.headers_mut().insert("last-event-id", value);
        }
        let mut connection = gate.http1().await;
        let response = connection.send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body(),
            text: String::new(),
            last: String::new(),
            _connection: connection,
        }
    }

    async fn next(&mut self) -> Event {
        within(Duration::from_secs(20), "the next event", self.read()).await
    }

    async fn read(&mut self) -> Event {
        self.read_or_end().await.expect("a stream without end")
    }

    /// Nothing: the stream has ended.
    async fn read_or_end(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let mut event = Event::default();
                let mut data = Vec::new();
                for line in block.lines() {
                    match line.split_once(": ").unwrap_or((line, "")) {
                        ("id", value) => event.id = value.into(),
                        ("event", value) => event.name = value.into(),
                        ("data", value) => data.push(value),
                        _ => {}
                    }
                }
                event.data = data.join("\n");
                if !event.id.is_empty() {
                    self.last.clone_from(&event.id);
                }
                if !event.name.is_empty() {
                    return Some(event);
                }
            }
            let frame = self.body.frame().await?.unwrap();
            let data = frame.into_data().expect("data");
            self.text += std::str::from_utf8(&data).unwrap();
        }
    }
}

async fn send(gate: &Gate, topic: &str, body: &str) {
    ok(&gate.get(&sending("sender", topic, body)).await);
}

#[tokio::test]
async fn browsers_hear_what_is_sent() {
    let gate = stage().start().await;
    let mut first = Listener::of(&gate, None).await;
    let mut second = Listener::of(&gate, None).await;
    send(&gate, "orders.created", "one").await;
    send(&gate, "elsewhere", "not this").await;
    send(&gate, "orders.paid", "two\nlines: data: x\n\nevent: forged").await;
    for listener in [&mut first, &mut second] {
        let event = listener.next().await;
        assert_eq!((&*event.name, &*event.data), ("orders.created", "one"));
        let event = listener.next().await;
        assert_eq!(event.name, "orders.paid");
        assert_eq!(
            event.data, "two\nlines: data: x\n\nevent: forged",
            "nothing gets out of its data"
        );
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let gate = stage().start().await;
    let mut listener = Listener::of(&gate, None).await;
    send(&gate, "orders.a", "1").await;
    let last = listener.next().await.id;
    drop(listener);
    for n in 2..=5 {
        send(&gate, "orders.a", &n.to_string()).await;
    }
    let mut listener = Listener::of(&gate, Some(&last)).await;
    for n in 2..=5 {
        assert_eq!(listener.next().await.data, n.to_string());
    }
    send(&gate, "orders.a", "6").await;
    assert_eq!(listener.next().await.data, "6");
}

#[tokio::test]
async fn what_cannot_be_had_again_is_said() {
    let gate = stage().start().await;
    for unknown in ["nonsense", "0-1", "99999999-7"] {
        let mut listener = Listener::of(&gate, Some(unknown)).await;
        assert_eq!(listener.next().await.name, "airgate.gap", "{unknown}");
        send(&gate, "orders.a", "next").await;
        assert_eq!(listener.next().await.data, "next");
    }
    // More than is kept.
    let mut listener = Listener::of(&gate, None).await;
    send(&gate, "orders.a", "0").await;
    let last = listener.next().await.id;
    drop(listener);
    ok(&gate
        .get(&(sending("sender", "orders.a", "{n}") + "&n=2000"))
        .await);
    let mut listener = Listener::of(&gate, Some(&last)).await;
    let gap = listener.next().await;
    assert_eq!(gap.name, "airgate.gap");
    assert_eq!(gap.data, "{\"missed\":976}", "1,024 of 2,000 are kept");
    assert_eq!(listener.next().await.data, "976");
}

#[tokio::test]
async fn listeners_stay_through_a_reload() {
    let gate = stage().start().await;
    let mut listener = Listener::of(&gate, None).await;
    send(&gate, "orders.a", "before").await;
    let last = listener.next().await.id;
    for _ in 0..3 {
        assert_eq!(gate.reload().await.status(), 200);
    }
    send(&gate, "orders.a", "after").await;
    assert_eq!(listener.next().await.data, "after");
    let mut again = Listener::of(&gate, Some(&last)).await;
    assert_eq!(again.next().await.data, "after", "its history stays too");
}

#[tokio::test]
async fn a_drain_ends_the_streams() {
    let mut gate = stage().start().await;
    let mut listener = Listener::of(&gate, None).await;
    gate.signal(rustix::process::Signal::TERM);
    let end = async { while let Some(Ok(_)) = listener.body.frame().await {} };
    within(Duration::from_secs(10), "the stream ends", end).await;
    assert!(gate.exit_within(Duration::from_secs(10)).await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_does_not_read_costs_a_bounded_amount() {
    let gate = stage().start().await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(Listener::of(&gate, None).await);
    }
    let before = gate.resident();
    let body = "x".repeat(1_000);
    for _ in 0..20 {
        ok(&gate
            .get(&(sending("sender", "orders.a", &body) + "&n=1000"))
            .await);
    }
    let grown = gate.resident().saturating_sub(before);
    assert!(grown < 64 << 20, "grew by {} MiB", grown >> 20);
    let slow = &mut slow[0];
    let mut events = 0;
    let gap = loop {
        let event = match within(Duration::from_secs(20), "an event", slow.read_or_end()).await {
            Some(event) => event,
            None => {
                // What it was in the middle of is gone: it comes back, as browsers do.
                let last = slow.last.clone();
                *slow = Listener::of(&gate, Some(&last)).await;
                continue;
            }
        };
        events += 1;
        if event.name == "airgate.gap" {
            break event;
        }
        assert!(events < 20_000);
    };
    assert!(gap.data.starts_with("{\"missed\":"), "{gap:?}");
}
