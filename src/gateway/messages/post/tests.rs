use super::*;
use crate::config::{HeaderEdits, PathPattern, Target};
use crate::core::{MessageError, PublishError};
use crate::gateway::messages::stand_in::{Ending, StandIn, message};
use futures_util::{FutureExt as _, stream};
use http::Request;
use http::request::Builder;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use std::sync::atomic::Ordering;
use wasmtime_wasi_http::Error;

const IDLE: Duration = Duration::from_secs(20);
const WITHIN: Duration = Duration::from_secs(3);

fn publishing(bus: &Arc<StandIn>) -> Post {
    let topic = "orders.created".parse().unwrap();
    Post::publishing(&bus.dynamic(), &topic, &MessageBounds::default())
}

fn requesting(bus: &Arc<StandIn>) -> Post {
    let request = MessageRequest {
        topic: "stock.reserve".parse().unwrap(),
        timeout: WITHIN,
    };
    Post::requesting(&bus.dynamic(), &request, &MessageBounds::default())
}

fn sent(builder: Builder, body: RequestBody) -> Sent {
    Sent {
        parts: builder.body(()).unwrap().into_parts().0,
        body,
        id: RequestId::next(),
        // As the clock of tokio tells it, which these tests stop.
        arrived: tokio::time::Instant::now().into_std(),
        forced: Forced::NONE,
        connection: 7,
    }
}

fn posted(body: &'static str) -> Sent {
    let limit = Some(MessageBounds::default().body);
    let body = RequestBody::new(Full::from(body), limit, IDLE);
    let request = Request::post("/orders").header("content-type", "text/plain");
    sent(request, body)
}

fn unfinished() -> RequestBody {
    let first = stream::iter([Ok::<_, Error>(Frame::data(Bytes::from("half")))]);
    let frames = futures_util::StreamExt::chain(first, stream::pending());
    RequestBody::new(StreamBody::new(frames), None, IDLE)
}

async fn text(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_published_body_is_taken_as_a_message() {
    let bus = StandIn::new();
    let response = publishing(&bus).answer(posted("hello")).await.unwrap();
    assert_eq!(response.status(), 202);
    assert!(response.headers().is_empty());
    assert_eq!(text(response).await, "");
    let published = bus.published.lock().unwrap();
    let [message] = &published[..] else {
        panic!("{published:?}");
    };
    assert_eq!(message.topic.as_str(), "orders.created");
    assert_eq!(message.body, "hello");
    assert_eq!(message.content_type.as_deref(), Some("text/plain"));
    assert_eq!(message.entry("http-path"), Some("/orders"));
}

#[tokio::test]
async fn a_bus_that_does_not_take_it_is_no_success() {
    let bus = StandIn::new();
    let limit = ByteSize(1);
    let too_large = MessageError::Body { size: limit, limit };
    for (refusal, fault) in [
        (
            PublishError::QueueFull("orders.*".parse().unwrap()),
            Fault::Overloaded,
        ),
        (PublishError::Draining, Fault::Draining),
        (PublishError::TooLarge(too_large), Fault::BodyTooLarge),
    ] {
        *bus.refusal.lock().unwrap() = Some(refusal);
        let answer = publishing(&bus).answer(posted("hello")).await;
        assert_eq!(answer.err(), Some(fault));
    }
}

#[tokio::test]
async fn a_head_too_large_for_a_message_is_refused_before_its_body() {
    let bus = StandIn::new();
    let long = "x".repeat(17 << 10);
    let request = Request::post("/").header("x-message-a", long);
    let post = publishing(&bus);
    let answer = post.answer(sent(request, unfinished()));
    let answer = answer.now_or_never().expect("the body is not waited for");
    assert_eq!(answer.err(), Some(Fault::HeadTooLarge));
    let many = (0..62).fold(Request::post("/"), |request, n| {
        request.header(format!("x-message-{n}"), "")
    });
    let answer = publishing(&bus).answer(sent(many, unfinished())).await;
    assert_eq!(answer.err(), Some(Fault::HeadTooLarge));
}

#[tokio::test]
async fn a_client_that_leaves_publishes_nothing() {
    let bus = StandIn::new();
    let post = publishing(&bus);
    let mut answer = Box::pin(post.answer(sent(Request::post("/"), unfinished())));
    assert!(answer.as_mut().now_or_never().is_none());
    drop(answer);
    assert!(bus.published.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_not_waited_for() {
    let trickle = stream::unfold((), async |()| {
        tokio::time::sleep(IDLE / 2).await;
        Some((Ok::<_, Error>(Frame::data(Bytes::from("x"))), ()))
    });
    let body = StreamBody::new(Box::pin(trickle));
    let body = RequestBody::new(body, None, IDLE);
    let bus = StandIn::new();
    let began = tokio::time::Instant::now();
    let answer = publishing(&bus)
        .answer(sent(Request::post("/"), body))
        .await;
    assert_eq!(answer.err(), Some(Fault::RequestTimeout));
    assert_eq!(began.elapsed().as_secs(), LONGEST_PUBLISH.as_secs());
}

#[tokio::test]
async fn a_reply_is_the_answer() {
    let bus = StandIn::new();
    let mut reply = message("stock.reserved", "{}");
    reply.content_type = Some("application/json".into());
    reply.metadata = vec![("status".into(), "201".into())];
    *bus.ending.lock().unwrap() = Some(Ending::With(Box::new(Ok(reply))));
    let sent = posted("2 of 7");
    let arrived = sent.arrived;
    let response = requesting(&bus).answer(sent).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(text(response).await, "{}");
    assert_eq!(bus.deadlines.lock().unwrap()[..], [arrived + WITHIN]);
    assert_eq!(bus.published.lock().unwrap()[0].body, "2 of 7");
}

#[tokio::test]
async fn a_request_that_nobody_takes_is_told_so() {
    let bus = StandIn::new();
    let answer = requesting(&bus).answer(posted("")).await;
    assert_eq!(answer.err(), Some(Fault::Unavailable));
    *bus.ending.lock().unwrap() = Some(Ending::With(Box::new(Err(RequestError::NoReply))));
    let answer = requesting(&bus).answer(posted("")).await;
    assert_eq!(answer.err(), Some(Fault::NoResponse));
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_forgets_the_deadline_does_not_hold_the_client() {
    let bus = StandIn::new();
    *bus.ending.lock().unwrap() = Some(Ending::Never);
    let began = tokio::time::Instant::now();
    let answer = requesting(&bus).answer(posted("")).await;
    assert_eq!(answer.err(), Some(Fault::Timeout));
    assert_eq!(began.elapsed().as_secs(), (WITHIN + GRACE).as_secs());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    let bus = StandIn::new();
    *bus.ending.lock().unwrap() = Some(Ending::Never);
    let post = requesting(&bus);
    let mut answer = Box::pin(post.answer(posted("")));
    assert!(answer.as_mut().now_or_never().is_none());
    assert_eq!(bus.cancelled.load(Ordering::Relaxed), 0);
    drop(answer);
    assert_eq!(bus.cancelled.load(Ordering::Relaxed), 1);
}

#[test]
fn looking_publishes_nothing_unless_the_route_says_so() {
    let bus = StandIn::new();
    let (publish, request) = (publishing(&bus), requesting(&bus));
    let mut route = Route {
        name: "r".into(),
        hosts: Vec::new(),
        path: PathPattern::Exact("/".into()),
        methods: Vec::new(),
        headers: Vec::new(),
        target: Target::Publish("orders.created".parse().unwrap()),
        mirror: None,
        strip_prefix: None,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
    };
    for safe in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let refused = publish.admit(&safe, &route).err();
        assert!(
            matches!(refused, Some(Fault::MethodNotAllowed { .. })),
            "{safe}"
        );
        assert_eq!(request.admit(&safe, &route), Ok(()));
    }
    assert_eq!(publish.admit(&Method::POST, &route), Ok(()));
    route.methods.push(Method::GET);
    assert_eq!(publish.admit(&Method::GET, &route), Ok(()));
}
