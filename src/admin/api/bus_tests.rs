//! The bus over the API.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::wired::Api;
use crate::core::{
    Delivery, HandleError, HandlerFuture, Message, MessageBus, MessageHandler, Origin, Publisher,
    Spread, Subscription, SubscriptionSpec, Unsubscribe,
};
use crate::messaging::LocalBus;

/// Answers with what it was sent, or refuses it.
struct Echo {
    bus: Arc<LocalBus>,
    refuses: bool,
}

impl MessageHandler for Echo {
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        let (bus, refuses) = (self.bus.clone(), self.refuses);
        Box::pin(async move {
            if refuses {
                return Err(HandleError::Refused("not today".into()));
            }
            if let Some(reply_to) = delivery.message.reply_to.clone() {
                let body = delivery.message.body.clone();
                let mut reply = Message::new(reply_to, body, Publisher::Gateway, Origin::NONE);
                reply.content_type = delivery.message.content_type.clone();
                bus.publish(reply, Spread::Shared).await.unwrap();
            }
            Ok(())
        })
    }
}

async fn listen(api: &Api, topic: &str, refuses: bool) -> Unsubscribe {
    let echo = Echo {
        bus: api.bus.clone(),
        refuses,
    };
    let subscription = Subscription {
        subscriber: "cart".into(),
        spec: SubscriptionSpec {
            attempts: NonZeroU32::MIN,
            ..SubscriptionSpec::to(topic.parse().unwrap())
        },
    };
    api.bus
        .subscribe(subscription, Arc::new(echo))
        .await
        .unwrap()
}

/// Waits until the API says so.
async fn eventually(api: &Api, line: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..4_000 {
        let answer = api.simply(line).await.json();
        if holds(&answer) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{line} never says so");
}

#[tokio::test]
async fn messages_are_published_and_counted() {
    let api = Api::new();
    let publish = async |query: &str| {
        let line = format!("POST /v1/bus/publish?{query}");
        api.ask(&line, &[("content-type", "text/plain")], "hello")
            .await
    };
    let alone = publish("topic=orders.created").await;
    assert_eq!(
        (alone.status, alone.json()),
        (200, json!({ "receivers": 0 }))
    );
    let _listening = listen(&api, "orders.*", false).await;
    let heard = publish("topic=orders.created&spread=everyone").await;
    assert_eq!(heard.json(), json!({ "receivers": 1 }));
    let many = publish("topic=orders.created&count=500").await.json();
    assert_eq!(many, json!({ "published": 500, "rejected": 0 }));
    let bus = eventually(&api, "GET /v1/bus", |bus| {
        bus["subscriptions"][0]["queue"]["handled"] == 501
    });
    let bus = bus.await;
    assert_eq!(bus["backend"], "local");
    assert_eq!(bus["subscriptions"][0]["subscriber"], "cart");
    assert_eq!(bus["subscriptions"][0]["topic"], "orders.*");
    assert_eq!(bus["subscriptions"][0]["overflow"], "reject");
    assert_eq!(bus["subscriptions"][0]["queue_limit"], 1_024);
    let large = vec![b'x'; (1 << 20) + 1];
    let refused = api.ask("POST /v1/bus/publish?topic=orders.created", &[], large);
    assert_eq!(refused.await.status, 413);
}

#[tokio::test]
async fn a_request_is_answered_or_says_why_not() {
    let api = Api::new();
    let ask = async |query: &str| {
        let line = format!("POST /v1/bus/request?{query}");
        api.ask(&line, &[("content-type", "text/x-test")], "hello")
            .await
    };
    assert_eq!(ask("topic=stock.reserve").await.status, 503);
    let _listening = listen(&api, "stock.reserve", false).await;
    let reply = ask("topic=stock.reserve&timeout=2s").await;
    assert_eq!((reply.status, &*reply.body), (200, &b"hello"[..]));
    assert_eq!(reply.headers["content-type"], "text/x-test");
    let _refusing = listen(&api, "stock.refuse", true).await;
    assert_eq!(ask("topic=stock.refuse").await.status, 502);
    for query in ["", "topic=a.*", "topic=_x", "topic=a&timeout=0s"] {
        assert_eq!(ask(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn dead_letters_are_shown_sent_again_and_forgotten() {
    let api = Api::new();
    let _refusing = listen(&api, "orders.*", true).await;
    let publish = "POST /v1/bus/publish?topic=orders.created";
    api.ask(publish, &[], "hello").await;
    const LETTERS: &str = "GET /v1/bus/dead-letters";
    let newest = |id: u64| move |it: &Value| it["dead_letters"][0]["id"] == id;
    let letters = eventually(&api, LETTERS, newest(1)).await;
    let letter = &letters["dead_letters"][0];
    for (name, value) in [
        ("topic", json!("orders.created")),
        ("subscriber", json!("cart")),
        ("attempts", json!(1)),
        ("size", json!(5)),
        ("body", json!("hello")),
    ] {
        assert_eq!(letter[name], value, "{name}");
    }
    assert!(letter["error"].as_str().unwrap().contains("not today"));
    let json_type = [("content-type", "application/json")];
    let again = api.ask("POST /v1/bus/dead-letters/1/redeliver", &json_type, "{}");
    assert_eq!(again.await.status, 200);
    eventually(&api, LETTERS, newest(2)).await;
    assert_eq!(
        api.simply("DELETE /v1/bus/dead-letters/2").await.status,
        204
    );
    for line in [
        "DELETE /v1/bus/dead-letters/2",
        "DELETE /v1/bus/dead-letters/x",
    ] {
        assert_eq!(api.simply(line).await.status, 404, "{line}");
    }
    let gone = api.simply("POST /v1/bus/dead-letters/2/redeliver").await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn who_watches_sees_messages_as_they_are_sent() {
    let api = Api::new();
    let response = api
        .open("GET /v1/bus/messages?topic=orders.%3E", &[], Body::empty())
        .await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    for text in ["first", "second"] {
        let publish = "POST /v1/bus/publish?topic=orders.eu.created";
        api.ask(publish, &[("content-type", "text/plain")], text)
            .await;
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let event = std::str::from_utf8(&frame).unwrap();
        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
        let message: Value = serde_json::from_str(data.unwrap()).unwrap();
        assert!(event.contains("event: message"), "{event}");
        assert_eq!(message["topic"], "orders.eu.created");
        assert_eq!(
            (&message["body"], &message["publisher"]),
            (&json!(text), &json!("(gateway)"))
        );
    }
    drop(body);
    eventually(&api, "GET /v1/bus", |bus| bus["subscriptions"] == json!([])).await;
}
