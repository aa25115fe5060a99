//! Keys, values and quotas: more than is allowed is an error that a guest can act on, and
//! leaves everything as it was.

use super::{GRANTED, component, kv, ok};
use crate::support::{Setup, encoded, eventually};

#[tokio::test]
async fn keys_and_values_that_are_too_large_are_refused() {
    let gate = kv()
        .lines("[storage.default]\nmax_value = \"10KiB\"")
        .start()
        .await;
    let long = "k".repeat(1025);
    for (path, error) in [
        ("set?key=&value=1".to_owned(), "error:other invalid key"),
        (format!("set?key={long}&value=1"), "error:other invalid key"),
        (
            "set?key=a%00b&value=1".to_owned(),
            "error:other invalid key",
        ),
        (
            "set-big?key=a&bytes=10241".to_owned(),
            "error:other value too large",
        ),
    ] {
        let answer = gate.get(&format!("/kv/{path}")).await;
        assert!(ok(&answer).starts_with(error), "{path}: {}", answer.text());
    }
    assert_eq!(ok(&gate.get("/kv/set-big?key=a&bytes=10240").await), "ok");
    let longest = encoded(&"ö".repeat(512));
    assert_eq!(
        ok(&gate.get(&format!("/kv/set?key={longest}&value=1")).await),
        "ok"
    );
    assert_eq!(
        ok(&gate.get(&format!("/kv/get?key={longest}")).await),
        "value 1"
    );
}

#[tokio::test]
async fn a_quota_is_each_components_own() {
    let quota = "[storage.default]\nmax_keys = 5\nmax_bytes = \"4KiB\"";
    let setup = component(kv(), "other", "kv", GRANTED).lines(quota);
    let gate = setup.start().await;
    for n in 0..5 {
        assert_eq!(
            ok(&gate.get(&format!("/kv/set?key=k{n}&value=1")).await),
            "ok"
        );
    }
    let answer = gate.get("/kv/set?key=k5&value=1").await;
    assert!(
        ok(&answer).starts_with("error:other quota exceeded"),
        "{}",
        answer.text()
    );
    assert_eq!(
        ok(&gate.get("/kv/set?key=k0&value=2").await),
        "ok",
        "one that is there"
    );
    let answer = gate.get("/kv/set-big?key=k0&bytes=4096").await;
    assert!(
        ok(&answer).starts_with("error:other quota exceeded"),
        "{}",
        answer.text()
    );
    assert_eq!(
        ok(&gate.get("/kv/get?key=k0").await),
        "value 2",
        "as it was"
    );
    // A batch is made whole, or not at all.
    let answer = gate.get("/kv/set-many?k1=x&k9=y").await;
    assert!(
        ok(&answer).starts_with("error:other quota exceeded"),
        "{}",
        answer.text()
    );
    assert_eq!(ok(&gate.get("/kv/get?key=k1").await), "value 1");
    assert_eq!(ok(&gate.get("/other/set?key=k&value=1").await), "ok");
    assert_eq!(ok(&gate.get("/kv/delete?key=k0").await), "ok");
    assert_eq!(ok(&gate.get("/kv/set?key=k5&value=1").await), "ok");
    let errors = [("backend", "embedded"), ("error", "quota")];
    let metrics = gate.metrics().await;
    assert_eq!(metrics.sum("airgate_kv_errors_total", &errors), 3.0);
    eventually("the operator is told", async || {
        !gate.log.lines_with("quota exceeded").is_empty()
    })
    .await;
}

#[tokio::test]
async fn quotas_change_with_the_configuration() {
    let mut gate = kv().lines("[storage.default]\nmax_keys = 1").start().await;
    assert_eq!(ok(&gate.get("/kv/set?key=a&value=1").await), "ok");
    assert!(ok(&gate.get("/kv/set?key=b&value=1").await).starts_with("error:"));
    gate.rewrite(kv().lines("[storage.default]\nmax_keys = 2"));
    assert_eq!(gate.reload().await.status(), 200);
    assert_eq!(ok(&gate.get("/kv/set?key=b&value=1").await), "ok");
    assert_eq!(ok(&gate.get("/kv/get?key=a").await), "value 1");
}

#[tokio::test]
async fn a_store_that_is_not_configured_is_a_mistake_of_the_file() {
    let setup = component(
        Setup::default(),
        "kv",
        "kv",
        "keyvalue = { defualt = \"read-write\" }",
    );
    let refusal = setup.try_start().await.err().expect("a refusal");
    assert!(
        refusal.stderr.contains("did you mean \"default\""),
        "{}",
        refusal.stderr
    );
}
