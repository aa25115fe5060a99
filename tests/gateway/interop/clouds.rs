//! Components as wasmCloud has them, in other languages: what `cloud.js` and `cloud.py` do with
//! `wasmcloud:messaging` and the first draft of `wasi:keyvalue`.

use super::{PATIENT, ROOM, built};
use crate::support::Setup;

const NAMES: [&str; 2] = ["js-cloud", "py-cloud"];

/// Both, each asked at `/name`, or nothing where they are not built.
fn both() -> Option<Setup> {
    let mut setup = Setup::default();
    for name in NAMES {
        let lines = format!(
            "{ROOM}
instances = {{ reuse = 1000 }}
[component.{name}.capabilities]
keyvalue = {{ default = \"read-write\" }}
request = [\"*.orders\"]
[[component.{name}.subscribe]]
topic = \"{name}.*\""
        );
        setup = setup.component(name, &built(name)?, &lines).route(&format!(
            "path = \"/{name}\"\nrequest = \"{name}.orders\"\ntimeout = \"60s\""
        ));
    }
    Some(setup.security(PATIENT))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_answer_keep_and_ask() {
    let Some(setup) = both() else { return };
    let gate = setup.start().await;
    for (name, other) in [(NAMES[0], NAMES[1]), (NAMES[1], NAMES[0])] {
        let path = format!("/{name}");
        let said = async |text: &str| {
            let answer = gate.post(&path, text.to_owned()).await;
            assert_eq!(answer.status(), 200, "{name}: {text}: {}", answer.text());
            let (count, said) = answer.text().split_once(' ').expect("a count");
            assert!(count.parse::<u32>().is_ok(), "{name}: {}", answer.text());
            said.to_owned()
        };
        assert_eq!(said("größe").await, "größe");
        assert_eq!(said("keep a b c").await, "- a=a! b=b! c=c!");
        assert_eq!(said("lose a c").await, "- - -");
        assert_eq!(said("keep b").await, "- b=b!");
        let asked = said(&format!("ask {other}.orders hello")).await;
        assert!(asked.ends_with(" hello"), "{name}: {asked}");
        let alone = said("ask nobody.orders hello").await;
        assert!(alone.starts_with("error "), "{name}: {alone}");
        let denied = said("ask elsewhere hello").await;
        assert!(denied.starts_with("error "), "{name}: {denied}");
        assert_eq!(gate.denied(name, "request").await, 1.0);
        let refused = gate.post(&path, "refuse it").await;
        assert_eq!(refused.status(), 502, "{name}: {}", refused.text());
        // One count for each of them, whoever asked.
        let last = gate.post(&path, "x").await;
        let asked = u32::from(name == NAMES[1]);
        assert_eq!(last.text(), format!("{} x", 9 + asked));
    }
}
