//! A full disk. The other process can write no file beyond a size, which answers as a full disk
//! does, and also in the middle of a write.

use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::help::{cart, open, read, set, test_name, write};
use crate::core::{KvStore as _, StoreError};

const MARK: &str = "AIRGATE_TEST_STORE_DISK";

/// Bytes that a file may have; `None`: any.
fn limit(bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// Runs this test in a process of its own, since the limit holds for all of a process. The
/// shell has the signal ignored that would kill it. Answers whether this is that process.
fn alone(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test_name(module_path!(), test), "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}{errors}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_loses_nothing_and_is_forgotten_when_there_is_room() {
    let test = "a_full_disk_refuses_writes_loses_nothing_and_is_forgotten_when_there_is_room";
    if !alone(test) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    limit(Some(4 << 20));
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    for number in 0..60 {
        let name = format!("k{number}");
        let value = vec![number as u8; 200_000];
        match store.write(&cart(), vec![set(&name, value)]).await {
            Ok(_) => written.push(number),
            Err(StoreError::Unavailable(_)) => refused.push(number),
            Err(StoreError::Unknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        // What is there can be read all the time.
        if let Some(number) = written.first() {
            let value = vec![*number as u8; 200_000];
            assert_eq!(
                read(&store, &format!("k{number}")).await,
                Ok(Some(value.into()))
            );
        }
    }
    assert!(!written.is_empty() && !refused.is_empty());
    limit(None);
    let healed = async {
        while store
            .write(&cart(), vec![set("healed", "1")])
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healed)
        .await
        .unwrap();
    write(&store, "large", vec![7; 900_000]).await;
    store.close();
    let store = open(dir.path());
    for number in written {
        let value = vec![number as u8; 200_000];
        assert_eq!(
            read(&store, &format!("k{number}")).await,
            Ok(Some(value.into()))
        );
    }
    for number in refused {
        assert_eq!(read(&store, &format!("k{number}")).await, Ok(None));
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_made_yet_is_made_when_there_is_room() {
    if !alone("a_store_that_cannot_be_made_yet_is_made_when_there_is_room") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    limit(Some(4_096));
    let store = open(dir.path());
    let error = store.write(&cart(), vec![set("a", "1")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    limit(None);
    let healed = async {
        while store.write(&cart(), vec![set("a", "1")]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healed)
        .await
        .unwrap();
    assert_eq!(read(&store, "a").await, Ok(Some("1".into())));
}
