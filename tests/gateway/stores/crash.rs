//! kill -9 at any moment: what was acknowledged is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{GRANTED, component, ok};
use crate::support::{Answer, Connection, Setup, get, write_token};

const KILLS: u64 = 200;
const WRITERS: u64 = 4;

/// Different each time, and the same in each run.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(20 + (kill.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57))
}

/// Writes until the gate is gone: a counter, and a key of its own for each round. What was
/// acknowledged is kept in `known`; answers how often that was.
async fn write(
    mut connection: Connection,
    writer: u64,
    kill: u64,
    known: &mut BTreeMap<String, u64>,
) -> u64 {
    let mut acknowledged = 0;
    for round in 0.. {
        let number = kill * 100_000 + round;
        let key = format!("w{writer}-{}", round % 16);
        let path = format!("/kv/set?key={key}&value={number}");
        match connection.send(get(&path)).await {
            Ok(response) if response.status() == 200 => {
                known.insert(key, number);
                acknowledged += 1;
                let whole = Answer::read(response).await;
                if whole.broken.is_some() {
                    break;
                }
            }
            _ => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_no_acknowledged_write() {
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    let setup = component(Setup::default().state(state.path()), "kv", "kv", GRANTED);
    let mut known: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new(); WRITERS as usize];
    let (mut written, mut restarts) = (0, Vec::new());
    for kill in 0..=KILLS {
        let began = Instant::now();
        let mut gate = setup.clone().start().await;
        // The first start compiles.
        if kill > 0 {
            restarts.push(began.elapsed());
        }
        for (key, number) in known.iter().flatten() {
            let answer = gate.get(&format!("/kv/get?key={key}")).await;
            let text = ok(&answer).strip_prefix("value ").map(str::to_owned);
            // A write on its way at the kill may be there or not; an older one must not be.
            let found: u64 = text.expect("an acknowledged key").parse().unwrap();
            assert!(
                found >= *number,
                "kill {kill}: {key} is {found}, {number} was acknowledged"
            );
        }
        if kill == KILLS {
            break;
        }
        {
            // All of them are there before the kill may come.
            let mut connections = Vec::new();
            for _ in 0..WRITERS {
                connections.push(gate.http1().await);
            }
            let writers = known.iter_mut().zip(connections).zip(0..);
            let writers = writers.map(|((known, client), n)| write(client, n, kill, known));
            let writing = futures_util::future::join_all(writers);
            let killing = async {
                tokio::time::sleep(moment(kill)).await;
                gate.signal(Signal::KILL);
            };
            let (acknowledged, ()) = tokio::join!(writing, killing);
            written += acknowledged.iter().sum::<u64>();
        }
        gate.exit_within(Duration::from_secs(10)).await;
    }
    assert!(written > 1_000, "only {written} writes were acknowledged");
    restarts.sort_unstable();
    let (median, slowest) = (restarts[restarts.len() / 2], restarts[restarts.len() - 1]);
    assert!(
        median < Duration::from_secs(2) && slowest < Duration::from_secs(10),
        "restarts took {median:?}, and up to {slowest:?}"
    );
}
