//! Versions, traffic and rollouts, through the admin API of the built binary.

mod canary;
mod crash;
mod deploy;
mod disk;
mod load;
mod mirror;
mod refused;
mod restart;
mod rollback;

use crate::support::{Gate, Setup, guest};

/// `version` at /version, whose first version answers "a"; `lines` are more of it.
fn serving_a(lines: &str) -> Setup {
    let routed = Gate::serving([]).component("version", &guest("version-a"), lines);
    routed.route("prefix = \"/\"\ncomponent = \"version\"")
}

/// The answer of whatever serves.
async fn letter(gate: &Gate) -> String {
    let answer = gate.get("/version").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.text().trim().to_owned()
}
