//! What watchers are told.

use http::Request;
use serde_json::json;

use super::shop::{Shop, assert_problem, post};
use crate::support::get;

#[tokio::test]
async fn a_watcher_that_comes_back_hears_what_it_missed() {
    let shop = Shop::open().await;
    let mut watcher = shop.events(Request::get("/v1/events")).await;
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    let deployed = watcher.until("deployed").await;
    assert_eq!(deployed.data["component"], "cart");
    assert_eq!(deployed.data["by"], "deployer");
    assert_eq!(deployed.data["id"].to_string(), deployed.id);
    drop(watcher);
    let set = shop.set_traffic(json!({ "1.0": 1 }), None).await;
    assert_eq!(set.status(), 200);
    let back = Request::get("/v1/events?after=0").header("last-event-id", &deployed.id);
    let mut back = shop.events(back).await;
    let mut last: u64 = deployed.id.parse().unwrap();
    loop {
        let event = back.next().await.expect("more events");
        last += 1;
        assert_eq!(
            event.id,
            last.to_string(),
            "none is missing, and none is there twice"
        );
        if event.name == "traffic" {
            assert_eq!(event.data["status"]["traffic"], json!({ "1.0": 1 }));
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_node() {
    let shop = Shop::open().await;
    let mut watcher = shop.events(Request::get("/v1/events")).await;
    assert_eq!(shop.ask_as("admin", post("/v1/drain")).await.status(), 202);
    while watcher.next().await.is_some() {}
}

#[tokio::test]
async fn watchers_are_bounded() {
    let shop = Shop::open().await;
    let mut watchers = Vec::new();
    for _ in 0..64 {
        watchers.push(shop.events(Request::get("/v1/events")).await);
    }
    let full = shop.ask_as("read", get("/v1/events")).await;
    assert_problem(&full, 503, None);
    assert!(!full.header("retry-after").is_empty());
    // Others still get through.
    assert_eq!(shop.delivery().await.status(), 200);
}
