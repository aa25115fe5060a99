//! A program that embeds the gateway and grants a capability of its own: `examples/custom_capability.rs`.

use std::path::PathBuf;

use crate::support::{Gate, Refusal, Setup, guest, missing};

const GRANT: &str = r#"{ table = { "192.0.0.0/16" = "US", "192.0.2.0/24" = "EU" } }"#;

/// The example, which cargo builds beside the tests; with `--test gateway` alone it does not.
fn example() -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(|deps| deps.parent()).unwrap();
    let example = profile.join("examples/custom_capability");
    if !example.exists() {
        missing("the example is not built; run cargo build --example custom_capability");
        return None;
    }
    Some(example)
}

/// The guest as `country`, with this grant, and as `ungranted`; `lines` are more of the latter's grants.
async fn embedded(grant: &str, lines: &str) -> Option<Result<Gate, Refusal>> {
    let example = example()?;
    let granted = format!("[component.country.capabilities]\ncustom = {{ geo = {grant} }}");
    let ungranted = format!("[component.ungranted.capabilities]\n{lines}");
    let mut setup = Setup::default()
        .component("country", &guest("custom-geo"), &granted)
        .component("ungranted", &guest("custom-geo"), &ungranted);
    for name in ["country", "ungranted"] {
        setup = setup.route(&format!("path = \"/{name}\"\ncomponent = {name:?}"));
    }
    // The example takes the file where the gateway has `serve --config FILE`.
    let setup = setup.wrapper(&format!("exec {example:?} \"$4\""));
    Some(setup.try_start().await)
}

async fn denials(gate: &Gate, component: &str) -> f64 {
    let labels = [("component", component), ("capability", "geo")];
    let metrics = gate.metrics().await;
    metrics.sum("airgate_capability_denied_total", &labels)
}

#[tokio::test]
async fn a_granted_interface_of_the_program_answers_from_its_grant() {
    let Some(gate) = embedded(GRANT, "").await else {
        return;
    };
    let gate = gate.unwrap();
    for (ip, answer) in [
        ("192.0.2.7", "192.0.2.7: ok EU\n"),
        ("192.0.3.7", "192.0.3.7: ok US\n"),
        ("203.0.113.7", "203.0.113.7: none\n"),
        ("nowhere", "nowhere: none\n"),
    ] {
        let told = gate.get(&format!("/country?ip={ip}")).await;
        assert_eq!((told.status(), told.text()), (200, answer));
    }
    assert_eq!(denials(&gate, "country").await, 0.0);
}

#[tokio::test]
async fn without_the_grant_a_call_of_it_traps_and_is_counted() {
    let Some(gate) = embedded(GRANT, "").await else {
        return;
    };
    let gate = gate.unwrap();
    assert_eq!(gate.get("/ungranted?ip=192.0.2.7").await.status(), 502);
    assert_eq!(denials(&gate, "ungranted").await, 1.0);
    assert_eq!(gate.get("/country?ip=192.0.2.7").await.status(), 200);
}

#[tokio::test]
async fn in_audit_mode_a_call_without_the_grant_is_counted_and_finds_nothing() {
    let Some(gate) = embedded(GRANT, "mode = \"audit\"").await else {
        return;
    };
    let gate = gate.unwrap();
    let told = gate.get("/ungranted?ip=192.0.2.7").await;
    assert_eq!((told.status(), told.text()), (200, "192.0.2.7: none\n"));
    assert_eq!(denials(&gate, "ungranted").await, 1.0);
}

#[tokio::test]
async fn a_grant_that_the_program_cannot_read_is_refused_with_its_reason() {
    for (grant, reason) in [
        (
            r#"{ table = { "192.0.2.0/33" = "EU" } }"#,
            "\"192.0.2.0/33\" is no network",
        ),
        (
            r#"{ table = { "192.0.2.0/24" = "Europe" } }"#,
            "\"Europe\" is not two capital letters",
        ),
        (
            r#"{ tabel = { "192.0.2.0/24" = "EU" } }"#,
            "expected one table",
        ),
        ("true", "expected one table"),
    ] {
        let Some(refused) = embedded(grant, "").await else {
            return;
        };
        let Err(refused) = refused else {
            panic!("{grant} was taken");
        };
        assert!(!refused.status.success());
        let place = "component.country.capabilities.custom.geo: ";
        let told = refused.stderr;
        assert!(told.contains(&format!("{place}{reason}")), "{told}");
    }
}

#[tokio::test]
async fn a_capability_that_the_program_has_not_is_refused_at_its_line() {
    let Some(example) = example() else { return };
    let lines = "[component.custom-geo.capabilities]\ncustom = { gio = {} }";
    let setup = Setup::default().guest_with("custom-geo", lines);
    let setup = setup.wrapper(&format!("exec {example:?} \"$4\""));
    let Err(refused) = setup.try_start().await else {
        panic!("an unknown capability was taken");
    };
    for part in ["routes.toml:", "unknown capability \"gio\"", "provides geo"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}
