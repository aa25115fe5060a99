//! Changes, and journals on disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::core::{Digest, RolloutPolicy, Timestamp, VersionName};
use crate::lifecycle::journal::{Action, Draft, Journal, Ledger, Record};
use crate::lifecycle::state::{
    ComponentState, KeptVersion, Numbers, Outcome, Phase, Rollout, Traffic, Verdict, VersionOrigin,
};

/// A change that leads to a state with every field, and text that JSON must escape.
pub fn change(component: &str, generation: u64) -> Draft {
    let version: VersionName = format!("1.{generation}.0").parse().unwrap();
    Draft {
        by: "ops \"täglich\"\n".into(),
        component: component.parse().unwrap(),
        action: Action::Step,
        version: Some(version.clone()),
        reason: Some("a line\nand another\u{0}".into()),
        verdict: Some(verdict()),
        after: Some(state(generation, version)),
    }
}

/// A change of few words, for tests that go through a journal byte by byte.
fn brief(component: &str, generation: u64) -> Draft {
    Draft {
        by: "ops".into(),
        reason: None,
        verdict: None,
        after: Some(ComponentState {
            generation,
            ..Default::default()
        }),
        ..change(component, generation)
    }
}

pub fn removal(component: &str) -> Draft {
    Draft {
        action: Action::Removed,
        after: None,
        verdict: None,
        ..change(component, 0)
    }
}

fn state(generation: u64, version: VersionName) -> ComponentState {
    ComponentState {
        generation,
        statement: Some(Digest::new([0xab; 32])),
        named: Vec::new(),
        versions: vec![KeptVersion {
            name: version.clone(),
            digest: Digest::new([generation as u8; 32]),
            bytes: 100_000,
            origin: VersionOrigin::Deployed,
            added: Timestamp::from_millis(1_769_860_800_007),
            source: None,
        }],
        traffic: Traffic::only(version.clone()),
        previous: Some(Traffic::only("0.9".parse().unwrap())),
        rollout: Some(Rollout {
            id: 1,
            candidate: version,
            from: Traffic::default(),
            policy: RolloutPolicy::default(),
            step: 1,
            phase: Phase::Paused,
            by: "ci".into(),
            started: Timestamp::from_millis(1),
            changed: Timestamp::from_millis(2),
            reason: None,
            verdict: Some(verdict()),
        }),
    }
}

fn verdict() -> Verdict {
    let numbers = Numbers {
        requests: 200,
        errors: 1,
        p99_ms: Some(12.5),
        ..Default::default()
    };
    Verdict {
        outcome: Outcome::Pass,
        reason: "0.5% of 200 requests failed, 1% may".into(),
        window_ms: 60_000,
        candidate: numbers,
        stable: numbers,
    }
}

/// A directory in memory where there is one: some tests open thousands of journals, and
/// waiting for a medium would show nothing more.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// A directory with a journal of `count` records of two components, and its records.
pub fn written(count: u64) -> (tempfile::TempDir, Vec<Record>) {
    let dir = directory();
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let names = ["cart", "stock"];
    let records = (0..count).map(|number| {
        let name = names[number as usize % names.len()];
        journal.append(brief(name, number)).unwrap()
    });
    let records = records.collect();
    (dir, records)
}

/// A directory with only this journal in it.
pub fn holding(bytes: &[u8]) -> tempfile::TempDir {
    let dir = directory();
    fs::write(dir.path().join("journal"), bytes).unwrap();
    dir
}

pub fn bytes(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("journal")).unwrap()
}

/// All records, the oldest first.
pub fn records(journal: &Journal) -> Vec<Record> {
    let mut records = journal.history(None, usize::MAX);
    records.reverse();
    records
}

pub fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq).collect()
}

/// What these records add up to.
pub fn sum(records: &[Record]) -> Ledger {
    let mut ledger = Ledger::default();
    for record in records {
        ledger.apply(record);
    }
    ledger
}

/// Where each line of a journal ends.
pub fn ends(bytes: &[u8]) -> Vec<usize> {
    let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    newlines.map(|(at, _)| at + 1).collect()
}

pub fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
