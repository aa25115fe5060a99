use super::*;
use crate::gateway::messages::events::ring::Memory;
use crate::gateway::messages::stand_in::{StandIn, message};
use crate::gateway::snapshot::{Snapshot, tests::config};
use futures_util::FutureExt as _;
use http::Request;
use http_body_util::BodyExt as _;

fn gate() -> Arc<Gate> {
    let bus = StandIn::new().dynamic();
    let (config, none) = (config([]), Default::default());
    let snapshot = Snapshot::new(&config, &none, &bus);
    Gate::new(snapshot.now_or_never().unwrap().unwrap())
}

fn ask(method: &str, ring: &Arc<Ring>, gate: &Arc<Gate>) -> Result<Response<Body>, Fault> {
    let request = Request::builder().method(method).uri("/events");
    let parts = request.body(()).unwrap().into_parts().0;
    listen(ring, &parts, gate)
}

async fn piece(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    let data = frame.into_data().unwrap();
    Some(String::from_utf8(data.into()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_what_comes_and_a_comment_when_nothing_does() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    let response = ask("GET", &ring, &gate).unwrap();
    assert_eq!(response.status(), 200);
    let fields = response.headers();
    assert_eq!(fields["content-type"], "text/event-stream");
    assert_eq!(fields["cache-control"], "no-store");
    assert_eq!(fields["x-accel-buffering"], "no");
    let mut body = response.into_body();
    assert!(piece(&mut body).await.unwrap().starts_with("retry: 2000\n"));
    assert!(piece(&mut body).now_or_never().is_none());
    ring.append(&message("a.b", "1"));
    ring.append(&message("a.b", "2"));
    let told = piece(&mut body).await.unwrap();
    assert!(
        told.contains("data: 1\n") && told.contains("data: 2\n"),
        "{told}"
    );
    for _ in 0..2 {
        let began = Instant::now();
        assert_eq!(piece(&mut body).await.unwrap(), ":\n\n");
        assert_eq!(began.elapsed().as_secs(), KEEP_ALIVE.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_wakes_who_waits() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    let mut body = ask("GET", &ring, &gate).unwrap().into_body();
    piece(&mut body).await.unwrap();
    let waiting = tokio::spawn(async move { piece(&mut body).await.unwrap() });
    tokio::task::yield_now().await;
    ring.append(&message("a.b", "1"));
    assert!(waiting.await.unwrap().ends_with("data: 1\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_the_stream_of_who_waits_and_of_who_is_behind() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    let mut waiting = ask("GET", &ring, &gate).unwrap().into_body();
    let mut behind = ask("GET", &ring, &gate).unwrap().into_body();
    piece(&mut waiting).await.unwrap();
    piece(&mut behind).await.unwrap();
    let waiting = tokio::spawn(async move { piece(&mut waiting).await });
    tokio::task::yield_now().await;
    gate.start_drain();
    assert_eq!(waiting.await.unwrap(), None);
    ring.append(&message("a.b", "1"));
    assert_eq!(piece(&mut behind).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_its_feed_ends_the_stream() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    let mut body = ask("GET", &ring, &gate).unwrap().into_body();
    piece(&mut body).await.unwrap();
    let waiting = tokio::spawn(async move { piece(&mut body).await });
    tokio::task::yield_now().await;
    ring.close();
    assert_eq!(waiting.await.unwrap(), None);
}

#[tokio::test]
async fn a_place_is_given_back_when_its_listener_leaves() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    let mut listeners: Vec<_> = std::iter::from_fn(|| ask("GET", &ring, &gate).ok())
        .take(2_000)
        .collect();
    assert_eq!(listeners.len(), 1_000);
    assert_eq!(ask("GET", &ring, &gate).err(), Some(Fault::Overloaded));
    listeners.pop();
    assert!(ask("GET", &ring, &gate).is_ok());
}

#[tokio::test]
async fn one_looks_and_listens_but_does_not_send() {
    let (ring, gate) = (Ring::new(Memory::default()), gate());
    assert!(ask("HEAD", &ring, &gate).is_ok());
    let refused = ask("POST", &ring, &gate).err();
    let allow = "GET, HEAD".to_owned();
    assert_eq!(refused, Some(Fault::MethodNotAllowed { allow }));
}
