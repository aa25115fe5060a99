//! Components that work with messages and a store: what `listener.js` and `listener.py` do with
//! the interfaces of `wit/`, as their languages have them.

use std::time::Duration;

use http::Request;
use tokio::sync::Mutex;

use super::{PATIENT, ROOM, built};
use crate::support::{Gate, Setup, airgate, body, eventually_within, get, guest};

const NAMES: [&str; 2] = ["js-listener", "py-listener"];
/// An interpreter starts in each instance, in a gateway that is built for tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both, each with the topics that begin with its name and routes that lead to them, or nothing
/// where they are not built.
fn both(config: impl Fn(&str) -> String) -> Option<Setup> {
    let mut setup = Setup::default();
    for name in NAMES {
        let lines = format!(
            "{ROOM}
instances = {{ reuse = 1000 }}
[component.{name}.capabilities]
config = {{ {} }}
keyvalue = {{ default = \"read-write\" }}
publish = [\"*.counted\"]
request = [\"*.orders\", \"slow\"]
[component.{name}.supervision]
health_interval = \"200ms\"
health_timeout = \"60s\"
[[component.{name}.subscribe]]
topic = \"{name}.*\"
attempts = 3
backoff = \"20ms\"",
            config(name)
        );
        setup = setup
            .component(name, &built(name)?, &lines)
            .route(&format!(
                "path = \"/{name}/publish\"\npublish = \"{name}.orders\""
            ))
            .route(&format!(
                "path = \"/{name}/request\"\nrequest = \"{name}.orders\"\ntimeout = \"60s\""
            ));
    }
    Some(setup.security(PATIENT))
}

fn labelled(name: &str) -> String {
    format!("label = \"{name}\"")
}

/// Starts a gate with both.
async fn stage() -> Option<Gate> {
    // The first to start compiles, all others find what it has made.
    static FIRST: Mutex<()> = Mutex::const_new(());
    let setup = both(labelled)?;
    let _first = FIRST.lock().await;
    Some(setup.start().await)
}

/// Sends a message; the result goes to the topic `then`.
async fn publish(gate: &Gate, name: &str, text: &'static str, then: Option<&str>) {
    let mut request = Request::post(format!("/{name}/publish"));
    if let Some(then) = then {
        request = request.header("x-message-then", then);
    }
    let answer = gate.ask(request.body(body(text)).unwrap()).await;
    assert_eq!(answer.status(), 202, "{}", answer.text());
}

/// What `airgate kv get` prints, once it is what it should be.
async fn kept(gate: &Gate, name: &str, key: &str, expected: &str) {
    let config = gate.config();
    let admin = format!("http://{}", gate.admin_address());
    let mut found = String::new();
    eventually_within(PATIENCE, &format!("{expected:?} in {key}"), async || {
        let arguments = ["kv", "get", name, key, "--admin", &admin, "--config"];
        let output = airgate(&[&arguments[..], &[config.to_str().unwrap()]].concat());
        found = String::from_utf8_lossy(&output.stdout).into_owned();
        found.trim_end() == expected
    })
    .await;
}

async fn version(gate: &Gate, name: &str) -> serde_json::Value {
    let answer = gate.admin(get(&format!("/v1/components/{name}"))).await;
    answer.json()["versions"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_answer_requests_and_count_them() {
    let Some(gate) = stage().await else { return };
    for name in NAMES {
        for count in 1..=20 {
            let answer = gate.post(&format!("/{name}/request"), "one more").await;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, &*format!("{name}: {name}.orders {count}")),
                "its label is of `initialize`, its count of the store"
            );
            assert_eq!(answer.header("content-type"), "text/x-count");
        }
    }
    let unfit = gate.log.lines_with("instances fail when they are reused");
    assert!(unfit.is_empty(), "{unfit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_keep_what_they_hear_and_tell_each_other() {
    let Some(gate) = stage().await else { return };
    for (name, other) in [(NAMES[0], NAMES[1]), (NAMES[1], NAMES[0])] {
        let then = format!("{other}.counted");
        publish(&gate, name, "schön", Some(&then)).await;
        kept(&gate, name, &format!("{name}.orders"), "1").await;
        kept(&gate, name, &format!("{name}.orders/said"), "schön").await;
        kept(&gate, other, &then, "1").await;
        let said = format!("{name}: {name}.orders 1");
        kept(&gate, other, &format!("{then}/said"), &said).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_ask_each_other_for_as_long_as_they_want_to_wait() {
    let Some(_compiled) = stage().await else {
        return;
    };
    let sleeper = "[[component.sleeper.subscribe]]\ntopic = \"slow\"";
    let setup = both(labelled).unwrap();
    let setup = setup.component("sleeper", &guest("bus"), sleeper);
    let gate = setup.start().await;
    // The first one has heard two messages by the time it is asked itself.
    for (name, other, count) in [(NAMES[0], NAMES[1], 1), (NAMES[1], NAMES[0], 3)] {
        let path = format!("/{name}/request");
        let answer = gate.post(&path, format!("ask {other}.orders hello")).await;
        let expected = format!("{other}: {other}.orders {count}");
        assert_eq!((answer.status(), answer.text()), (200, &*expected));
        let answer = gate.post(&path, "hasty slow sleep 20000").await;
        assert_eq!((answer.status(), answer.text()), (200, "error timeout"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_lose_nothing() {
    let Some(gate) = stage().await else { return };
    for name in NAMES {
        // Each of a publisher of its own: they are handled beside each other.
        for _ in 0..30 {
            publish(&gate, name, "x", None).await;
        }
    }
    for name in NAMES {
        kept(&gate, name, &format!("{name}.orders"), "30").await;
        let lines = ["x"; 30].join("\n");
        kept(&gate, name, &format!("{name}.orders/said"), &lines).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_they_refuse_or_throw_on_is_tried_again_and_given_up() {
    let Some(gate) = stage().await else { return };
    for name in NAMES {
        publish(&gate, name, "refuse: sold out", None).await;
        kept(&gate, name, &format!("{name}.orders"), "3").await;
        publish(&gate, name, "raise on purpose", None).await;
        kept(&gate, name, &format!("{name}.orders"), "6").await;
        let mut errors = Vec::new();
        eventually_within(PATIENCE, "two dead letters", async || {
            let letters = gate.admin(get("/v1/bus/dead-letters")).await.json();
            let mut letters = letters["dead_letters"].as_array().unwrap().clone();
            letters.retain(|it| it["subscriber"] == name && it["attempts"] == 3);
            errors = letters
                .iter()
                .map(|it| it["error"].as_str().unwrap().to_owned())
                .collect();
            errors.len() == 2
        })
        .await;
        errors.sort();
        let refused = "the handler refused it: refuse: sold out";
        assert_eq!(errors, ["the component failed", refused]);
        eventually_within(
            PATIENCE,
            "what was thrown is for the operator",
            async || {
                let mut traps = gate.log.with("fault", "trap");
                traps.retain(|it| it["component"] == name);
                let mut said = gate.log.with("channel", "stderr");
                said.retain(|it| it["component"] == name);
                said.retain(|it| it.to_string().contains("raise on purpose"));
                (traps.len(), said.len()) == (3, 3)
            },
        )
        .await;
        let answer = gate.post(&format!("/{name}/request"), "raise").await;
        assert_eq!(answer.status(), 502, "{}", answer.text());
        let answer = gate.post(&format!("/{name}/request"), "go on").await;
        assert_eq!(answer.text(), format!("{name}: {name}.orders 8"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_say_who_and_how_well_they_are() {
    let Some(gate) = stage().await else { return };
    for name in NAMES {
        assert_eq!(
            gate.post(&format!("/{name}/request"), "").await.status(),
            200
        );
        eventually_within(PATIENCE, "it is well", async || {
            let version = version(&gate, name).await;
            version["state"] == "running" && version["health"]["detail"] == name
        })
        .await;
        let metadata = version(&gate, name).await["metadata"].clone();
        assert_eq!(
            metadata,
            serde_json::json!({ "name": name, "version": "1.2.3", "description": name })
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_initialized_is_not_served() {
    let Some(_compiled) = stage().await else {
        return;
    };
    for name in NAMES {
        let config = |it: &str| match it == name {
            true => String::new(),
            false => labelled(it),
        };
        let setup = both(config).unwrap();
        let refusal = setup.try_start().await.err().expect("a refusal");
        assert!(
            refusal.stderr.contains("there is no label"),
            "{}",
            refusal.stderr
        );
    }
}
