//! A full disk: what cannot be kept is refused, and the way back is open all the same.

use std::fs::File;
use std::io::Write as _;

use super::{letter, serving_a};
use crate::loading::Tiny;
use crate::support::{bytes_of, eventually, marked, missing, write_token};

#[tokio::test]
async fn a_full_disk_keeps_deployments_out_and_lets_rollbacks_through() {
    let Some(disk) = Tiny::mount("size=8m") else {
        return missing("a tmpfs cannot be mounted here");
    };
    let state = disk.0.path();
    write_token(state);
    let gate = serving_a("version = \"1\"").state(state).start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(letter(&gate).await, "b");
    let filler = state.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    // What is left of the journal's last page takes a record or two.
    let pause = "{\"1\": 1, \"2\": 1}";
    eventually("the journal is full", async || {
        gate.set_traffic("version", pause).await.status() == 507
    })
    .await;
    let traffic = gate.delivery("version").await["traffic"].clone();
    let refused = gate
        .put_version("version", "3", marked(&bytes_of("version-b"), "3"))
        .await;
    assert_eq!(refused.status(), 507, "{}", refused.text());
    assert_eq!(gate.delivery("version").await["traffic"], traffic);
    let back = gate
        .steer_with("version", "rollback", "{\"to\": \"1\"}")
        .await;
    assert_eq!(back.status(), 200, "{}", back.text());
    assert_eq!(letter(&gate).await, "a");
    // It is written down as soon as there is room.
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    gate.log.line("the journal is complete again").await;
    assert_eq!(gate.history("version").await[0]["action"], "rolled_back");
}
