//! kill -9 at any moment: what was acknowledged is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{GRANTED, component, ok};
use crate::support::{Setup, get, write_token};

const KILLS: u64 = 200;
const WRITERS: u64 = 4;

/// Different each time, and the same in each run.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(20 + (kill.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57))
}

/// Writes until the gate is gone: a counter, and a key of its own for each round. What was
/// acknowledged is kept in `known`.
async fn write(
    gate: &crate::support::Gate,
    writer: u64,
    kill: u64,
    known: &mut BTreeMap<String, u64>,
) {
    let mut connection = gate.http1().await;
    for round in 0.. {
        let number = kill * 100_000 + round;
        let key = format!("w{writer}-{}", round % 16);
        let path = format!("/kv/set?key={key}&value={number}");
        match connection.send(get(&path)).await {
            Ok(response) if response.status() == 200 => {
                known.insert(key, number);
                let whole = crate::support::Answer::read(response).await;
                if whole.broken.is_some() {
                    return;
                }
            }
            _ => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_no_acknowledged_write() {
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    let setup = component(Setup::default().state(state.path()), "kv", "kv", GRANTED);
    let mut known: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new(); WRITERS as usize];
    let (mut written, mut slowest) = (0, Duration::ZERO);
    for kill in 0..=KILLS {
        let began = Instant::now();
        let mut gate = setup.clone().start().await;
        slowest = slowest.max(began.elapsed());
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
            let gate = &gate;
            let writers = known
                .iter_mut()
                .zip(0..)
                .map(|(known, writer)| write(gate, writer, kill, known));
            let writing = futures_util::future::join_all(writers);
            let killing = async {
                tokio::time::sleep(moment(kill)).await;
                gate.signal(Signal::KILL);
            };
            tokio::join!(writing, killing);
        }
        written += known.iter().map(BTreeMap::len).sum::<usize>();
        gate.exit_within(Duration::from_secs(10)).await;
    }
    assert!(written > 1_000, "only {written} writes were acknowledged");
    assert!(
        slowest < Duration::from_secs(2),
        "a restart took {slowest:?}"
    );
}
