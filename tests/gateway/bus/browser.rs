//! A real browser on a route with `events`: its `EventSource` has to understand what the gateway
//! says, and comes back by itself.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{Browser, Setup};

/// Where the browser goes to: a way to a gate that can be cut, and led to another one.
struct Wire {
    address: SocketAddr,
    lead: watch::Sender<Option<SocketAddr>>,
}

impl Wire {
    async fn to(gate: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (lead, led) = watch::channel(Some(gate));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, led.clone()));
            }
        });
        Self { address, lead }
    }

    /// Breaks all connections; those that are made from now on lead there, or nowhere.
    fn lead(&self, to: Option<SocketAddr>) {
        self.lead.send_replace(to);
    }
}

async fn carry(mut client: TcpStream, mut led: watch::Receiver<Option<SocketAddr>>) {
    let Some(to) = *led.borrow_and_update() else {
        return;
    };
    let Ok(mut gate) = TcpStream::connect(to).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut gate) => {}
        _ = led.changed() => {}
    }
}

/// A shop whose page the gateway serves itself, as it does its events.
fn shop() -> Setup {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/bus/page");
    Setup::default()
        .route(&format!("prefix = \"/\"\nfiles = {{ dir = {page:?} }}"))
        .route("path = \"/publish\"\npublish = \"orders.created\"")
        .route("path = \"/events\"\nevents = \"orders.*\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_comes_back_by_itself_and_gets_what_it_missed() {
    let gate = shop().start().await;
    let wire = Wire::to(gate.address()).await;
    let Some(mut browser) = Browser::open(&format!("http://{}/", wire.address)).await else {
        return;
    };
    browser.shows("opened", json!(1)).await;
    assert_eq!(browser.run("publish('first')").await, 202);
    browser.shows("heard", json!(["first"])).await;
    wire.lead(None);
    browser
        .shows("events.readyState == EventSource.CONNECTING", json!(true))
        .await;
    for text in ["two\nlines: data: x\n\nevent: forged", "schön"] {
        assert_eq!(gate.post("/publish", text).await.status(), 202);
    }
    assert_eq!(gate.post("/publish", vec![0xff, 0]).await.status(), 202);
    wire.lead(Some(gate.address()));
    browser.shows("opened", json!(2)).await;
    assert_eq!(browser.run("publish('last')").await, 202);
    browser
        .shows(
            "heard",
            json!([
                "first",
                "two\nlines: data: x\n\nevent: forged",
                "schön",
                "last"
            ]),
        )
        .await;
    assert_eq!(browser.run("bytes").await, json!(["/wA="]));
    assert_eq!(browser.run("gaps").await, json!([]), "nothing was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_outlives_a_restart_and_is_told_that_something_is_gone() {
    let mut gate = shop().start().await;
    let wire = Wire::to(gate.address()).await;
    let Some(mut browser) = Browser::open(&format!("http://{}/", wire.address)).await else {
        return;
    };
    browser.shows("opened", json!(1)).await;
    assert_eq!(browser.run("publish('before')").await, 202);
    browser.shows("heard", json!(["before"])).await;
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(Duration::from_secs(10)).await.success());
    let gate = shop().start().await;
    wire.lead(Some(gate.address()));
    browser.shows("opened", json!(2)).await;
    assert_eq!(browser.run("publish('after')").await, 202);
    browser.shows("heard", json!(["before", "after"])).await;
    browser.shows("gaps", json!(["{\"missed\":null}"])).await;
}
