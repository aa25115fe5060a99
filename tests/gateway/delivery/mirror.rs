//! Copies of requests are compared, and have no effect.

use http::Request;

use crate::support::{Gate, Origin, Setup, body, encoded, eventually, guest};

/// `first` answers, `second` gets a copy of every request.
fn mirrored(first: &str, second: &str, lines: &str) -> Setup {
    let route =
        "prefix = \"/\"\ncomponent = \"first\"\nmirror = { component = \"second\", percent = 100 }";
    Gate::serving([])
        .component("first", &guest(first), "")
        .component("second", &guest(second), lines)
        .route(route)
}

async fn mirrored_as(gate: &Gate, result: &str, number: f64) {
    let counted = async || {
        let metrics = gate.metrics().await;
        metrics.sum("airgate_mirror_requests_total", &[("result", result)]) == number
    };
    eventually(&format!("{number} copies are {result}"), counted).await;
}

#[tokio::test]
async fn clients_see_the_original_and_metrics_the_difference() {
    let gate = mirrored("version-a", "status", "").start().await;
    for code in ["200", "500", "404"] {
        assert_eq!(gate.get(&format!("/?code={code}")).await.text().trim(), "a");
    }
    mirrored_as(&gate, "same", 1.0).await;
    mirrored_as(&gate, "differs", 2.0).await;
}

#[tokio::test]
async fn a_copy_that_traps_harms_nobody() {
    let gate = mirrored("version-a", "trap", "").start().await;
    assert_eq!(gate.get("/").await.status(), 200);
    mirrored_as(&gate, "failed", 1.0).await;
}

#[tokio::test]
async fn an_actor_whose_copy_fails_has_not_failed() {
    let actor = "[component.second.instances]\nactor = true\n\
        [component.second.supervision]\nstrategy = \"stop\"";
    let gate = mirrored("version-a", "actor", actor).start().await;
    for number in 1..=2 {
        assert_eq!(gate.get("/trap").await.status(), 200);
        mirrored_as(&gate, "failed", f64::from(number)).await;
    }
    // Its shadow is stopped, and it is not.
    let answer = gate
        .admin(crate::support::get("/v1/components/second"))
        .await;
    let version = answer.json()["versions"][0].clone();
    assert_eq!(version["state"], "running", "{version}");
    let metrics = gate.metrics().await;
    let in_state = |state| {
        let labels = [("component", "second"), ("state", state)];
        metrics.sum("airgate_component_state", &labels)
    };
    assert_eq!((in_state("running"), in_state("stopped")), (1.0, 0.0));
}

#[tokio::test]
async fn a_copy_asks_nobody_whatever_its_component_is_granted() {
    let origin = Origin::ok().await;
    let grant = format!(
        "capabilities = {{ http = [{:?}], private_networks = true }}",
        origin.grant()
    );
    let gate = mirrored("version-a", "fetch", &grant).start().await;
    let path = format!("/?url={}", encoded(&origin.url("/")));
    assert_eq!(gate.get(&path).await.status(), 200);
    let done = async || {
        let metrics = gate.metrics().await;
        let counted = |result| metrics.sum("airgate_mirror_requests_total", &[("result", result)]);
        counted("same") + counted("differs") + counted("failed") == 1.0
    };
    eventually("the copy has its answer", done).await;
    assert_eq!(origin.accepted(), 0);
}

#[tokio::test]
async fn small_bodies_are_copied_and_large_ones_are_not() {
    let gate = mirrored("echo", "echo", "").start().await;
    let ask = async |size: usize| {
        let request = Request::post("/").body(body(vec![b'x'; size])).unwrap();
        assert_eq!(gate.ask(request).await.body.len(), size);
    };
    ask(10).await;
    mirrored_as(&gate, "same", 1.0).await;
    ask(100_000).await;
    mirrored_as(&gate, "skipped", 1.0).await;
}
