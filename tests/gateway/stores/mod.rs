//! What components keep: for whom, within which bounds, and through which accidents.

mod admin;
mod bounds;
mod crash;
mod damage;
mod disk;
mod guests;

use crate::support::{Answer, Setup, guest};

const GRANTED: &str = "keyvalue = { default = \"read-write\" }";

/// A guest under a name of its own, at `/name`, with lines of `capabilities`.
fn component(setup: Setup, name: &str, source: &str, grants: &str) -> Setup {
    let lines = format!("[component.{name}.capabilities]\n{grants}\n");
    setup
        .component(name, &guest(source), &lines)
        .route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}"))
}

/// The guest `kv` with a store.
fn kv() -> Setup {
    component(Setup::default(), "kv", "kv", GRANTED)
}

fn ok(answer: &Answer) -> &str {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.text().trim_end()
}
