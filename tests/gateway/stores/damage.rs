//! A store file that is damaged, foreign or of another version: found, told, never served as
//! data, and never written over.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{GRANTED, component, ok};
use crate::support::{Gate, Setup, eventually, get, write_token};

fn on(state: &Path) -> Setup {
    write_token(state);
    component(Setup::default().state(state), "kv", "kv", GRANTED)
        .lines("[storage.other]\n")
        .guest_with(
            "kv-draft",
            "[component.kv-draft.capabilities]\nkeyvalue = { other = \"read-write\" }",
        )
}

fn file(state: &Path) -> std::path::PathBuf {
    state.join("stores").join("default.redb")
}

async fn fill(gate: &Gate) {
    for n in 0..50 {
        let path = format!("/kv/set?key=key-{n}&value=value-{n}-{}", "x".repeat(100));
        assert_eq!(ok(&gate.get(&path).await), "ok");
    }
}

async fn stop(mut gate: Gate) {
    gate.signal(rustix::process::Signal::TERM);
    let status = gate.exit_within(std::time::Duration::from_secs(20)).await;
    assert!(status.success());
}

/// Every answer is the right one, or an error that says what is wrong.
async fn nothing_false(gate: &Gate) -> bool {
    let mut refused = false;
    for n in 0..50 {
        let answer = gate.get(&format!("/kv/get?key=key-{n}")).await;
        let text = ok(&answer);
        if text.starts_with("error:other corrupt") || text.starts_with("error:other unavailable") {
            refused = true;
        } else {
            assert_eq!(text, format!("value value-{n}-{}", "x".repeat(100)));
        }
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_told_and_spares_the_rest() {
    let state = tempfile::tempdir().unwrap();
    let gate = on(state.path()).start().await;
    fill(&gate).await;
    stop(gate).await;
    let whole = std::fs::read(file(state.path())).unwrap();
    // A thousand single bits are flipped by the store's own tests; here some, through the node.
    let mut found = 0;
    for flip in 0..12_u64 {
        std::fs::write(file(state.path()), &whole).unwrap();
        let place = (flip.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16) % whole.len() as u64;
        let byte = whole[place as usize] ^ 1 << (flip % 8);
        let opened = std::fs::OpenOptions::new()
            .write(true)
            .open(file(state.path()))
            .unwrap();
        opened.write_all_at(&[byte], place).unwrap();
        let gate = on(state.path()).start().await;
        if nothing_false(&gate).await {
            found += 1;
            eventually("the operator is told", async || {
                !gate.log.lines_with("store").is_empty()
            })
            .await;
        }
        assert_eq!(
            ok(&gate.get("/kv-draft/set?store=other&key=a&value=1").await),
            "ok"
        );
        drop(gate);
    }
    assert!(found < 12, "most of the file is not in use");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_left_as_it_is() {
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(state.path().join("stores")).unwrap();
    for content in [&b"not a store"[..], &[0; 4096][..]] {
        std::fs::write(file(state.path()), content).unwrap();
        let gate = on(state.path()).start().await;
        for path in ["get?key=a", "set?key=a&value=1", "list", "increment?key=a"] {
            let answer = gate.get(&format!("/kv/{path}")).await;
            let text = ok(&answer);
            assert!(
                text.starts_with("error:other corrupt")
                    || text.starts_with("error:other unavailable"),
                "{path}: {text}"
            );
            assert!(!text.contains("/stores"), "no path: {text}");
        }
        let stores = gate.admin(get("/v1/stores")).await.json();
        let stores = stores["stores"].as_array().unwrap().clone();
        let damaged = stores.iter().find(|it| it["name"] == "default").unwrap();
        assert!(damaged["error"].is_string(), "{damaged}");
        drop(gate);
        assert_eq!(std::fs::read(file(state.path())).unwrap(), content);
    }
}
