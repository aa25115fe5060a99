//! `kill -9` in the middle of writes, again and again on one store.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::help::{cart, key, open, read, set, test_name};
use crate::core::{Backup as _, KvStore as _};

const DIR: &str = "AIRGATE_TEST_STORE";
const ROUND: &str = "AIRGATE_TEST_ROUND";
/// How many times, if not the number here.
const ROUNDS: &str = "AIRGATE_TEST_KILLS";

/// What a key has: other bytes and another size for every key.
fn value(key: &str) -> Bytes {
    let hash = blake3::hash(key.as_bytes());
    let size = usize::from(hash.as_bytes()[0]) * usize::from(hash.as_bytes()[1] % 64);
    hash.as_bytes().iter().copied().cycle().take(size).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_there_after_a_kill() {
    let rounds = std::env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    for round in 0..rounds {
        run_and_kill(dir.path(), round, &mut acknowledged);
        let before = Instant::now();
        let store = open(dir.path());
        // Some megabytes are verified, however slow the disk is.
        assert!(
            before.elapsed() < Duration::from_secs(20),
            "{:?}",
            before.elapsed()
        );
        check(&store, &acknowledged).await;
        store.close();
    }
    assert!(
        acknowledged.len() > 100,
        "only {} writes",
        acknowledged.len()
    );
}

async fn check(store: &super::super::EmbeddedStore, acknowledged: &HashMap<String, u64>) {
    for (name, sum) in acknowledged {
        let stored = read(store, name).await.unwrap();
        match name.starts_with("sum") {
            true => {
                let stored = String::from_utf8(stored.unwrap().to_vec()).unwrap();
                let stored: u64 = stored.parse().unwrap();
                assert!(
                    stored >= *sum,
                    "{name}: {stored} after {sum} was acknowledged"
                );
            }
            false => assert_eq!(stored, Some(value(name)), "{name}"),
        }
    }
    // A batch that nobody acknowledged is there, or not.
    for number in 0..100 {
        let both = [format!("left{number}"), format!("right{number}")];
        let keys = both.clone().map(|text| key(&text));
        let stored = store.get_many(&cart(), &keys).await.unwrap();
        assert_eq!(stored[0].is_some(), stored[1].is_some(), "half of {both:?}");
    }
    let usage = store.usage(&cart()).await.unwrap();
    let mut records = store.export().await.unwrap();
    let mut counted = (0, 0);
    while let Some(record) = records.recv().await {
        let record = record.unwrap();
        counted.0 += (record.key.as_str().len() + record.value.len()) as u64;
        counted.1 += 1;
    }
    assert_eq!((usage.bytes, usage.keys), counted);
}

/// Notes every write that the other process says was acknowledged, and kills it at some point.
fn run_and_kill(dir: &Path, round: u64, acknowledged: &mut HashMap<String, u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &test_name(module_path!(), "writes_until_it_is_killed"),
        ])
        .args(["--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut left = 20 + round * 7 % 90;
    for line in lines {
        let line = line.unwrap();
        let mut words = line.split_whitespace().skip_while(|word| *word != "ack");
        let (Some(_), Some(key), Some(sum)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        // Those that it still wrote before it died count too.
        let sum = sum.parse().unwrap();
        let newest = acknowledged.entry(key.to_owned()).or_insert(sum);
        *newest = sum.max(*newest);
        left = left.saturating_sub(1);
        if left == 0 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other process of `every_acknowledged_write_is_there_after_a_kill`"]
async fn writes_until_it_is_killed() {
    // Whoever runs all ignored tests gets no process that writes without end.
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else {
        return;
    };
    let store = std::sync::Arc::new(open(Path::new(&dir)));
    let tasks = (0..4).map(|task| {
        let (store, round) = (store.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0..10_000 {
                let name = format!("r{round}t{task}n{number}");
                store
                    .write(&cart(), vec![set(&name, value(&name))])
                    .await
                    .unwrap();
                say(&name, 0);
                let counter = format!("sum{task}");
                let sum = store.increment(&cart(), &key(&counter), 1).await.unwrap();
                say(&counter, sum);
                let pair = ["left", "right"].map(|side| format!("{side}{}", number % 100));
                let pair = match number % 2 {
                    0 => pair.map(|key| set(&key, "x")).to_vec(),
                    _ => pair
                        .map(|key| crate::core::Write::Delete {
                            key: key.parse().unwrap(),
                        })
                        .to_vec(),
                };
                store.write(&cart(), pair).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Only after the store has acknowledged it.
fn say(key: &str, sum: i64) {
    writeln!(io::stdout().lock(), "ack {key} {sum}").unwrap();
}
