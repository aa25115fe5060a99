//! Files that are not what was written.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use redb::{Database, TableDefinition};

use super::super::EmbeddedStore;
use super::super::tables::{META, META_FORMAT};
use super::help::{cart, file, key, name, open, read, set, write};
use crate::core::{Backup as _, KvStore as _, StoreError, StoreSpec};

const RECORDS: usize = 150;

fn value(number: usize) -> Bytes {
    let size = [3, 50, 400, 3_000, 9_000][number % 5];
    vec![number as u8; size].into()
}

/// A store with values of all sizes, written one after the other and in batches, some deleted.
async fn filled(dir: &Path) -> EmbeddedStore {
    let store = open(dir);
    for number in 0..RECORDS {
        let batch = vec![
            set(&format!("key-{number}"), value(number)),
            set("deleted", "x"),
        ];
        store.write(&cart(), batch).await.unwrap();
    }
    let key = key("deleted");
    store
        .write(&cart(), vec![crate::core::Write::Delete { key }])
        .await
        .unwrap();
    store
}

/// Whether everything was there. Nothing that is wrong is ever answered.
async fn is_whole(store: &EmbeddedStore) -> bool {
    let mut whole = true;
    for number in 0..RECORDS {
        match read(store, &format!("key-{number}")).await {
            Ok(stored) => assert_eq!(stored, Some(value(number)), "{number}"),
            Err(StoreError::Corrupt(_) | StoreError::Unavailable(_)) => whole = false,
            Err(error) => panic!("{error:?}"),
        }
    }
    match store.keys(&cart(), "", None, 1_000).await {
        Ok(page) => assert_eq!(page.keys.len(), RECORDS),
        Err(StoreError::Corrupt(_) | StoreError::Unavailable(_)) => whole = false,
        Err(error) => panic!("{error:?}"),
    }
    match store.usage(&cart()).await {
        Ok(usage) => assert_eq!(usage.keys, RECORDS as u64),
        Err(_) => whole = false,
    }
    whole
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Bits of the head, and of pages that have something in them.
fn bits(content: &[u8], count: usize) -> Vec<usize> {
    let pages = content.chunks(4096).enumerate();
    let used = pages.filter(|(_, page)| page.iter().any(|byte| *byte != 0));
    let used: Vec<usize> = used.map(|(number, _)| number).collect();
    let mut chance = Chance(7);
    let bit = |at: usize| match at % 5 {
        0 => chance.below(320 * 8),
        _ => used[chance.below(used.len())] * 4096 * 8 + chance.below(4096 * 8),
    };
    (0..count).map(bit).collect()
}

/// Opens a copy with each bit flipped. Answers how many were seen.
async fn flip(original: &[u8], count: usize) -> usize {
    let mut seen = 0;
    for bit in bits(original, count) {
        let mut damaged = original.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let dir = tempfile::tempdir().unwrap();
        fs::write(file(dir.path()), &damaged).unwrap();
        let store = open(dir.path());
        if store.get(&cart(), &key("key-0")).await.is_err() {
            let after = fs::read(file(dir.path())).unwrap();
            assert!(after == damaged, "bit {bit}: a damaged file was touched");
        }
        seen += usize::from(!is_whole(&store).await);
        store.close();
    }
    seen
}

#[tokio::test]
async fn flipped_bits_of_a_closed_store_are_seen_or_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close();
    let original = fs::read(file(dir.path())).unwrap();
    let seen = flip(&original, 500).await;
    assert!(seen > 150, "only {seen} of 500 were seen");
}

#[tokio::test]
async fn flipped_bits_of_a_store_that_was_killed_are_seen_or_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    let original = fs::read(file(dir.path())).unwrap();
    let seen = flip(&original, 500).await;
    assert!(seen > 150, "only {seen} of 500 were seen");
    store.close();
}

#[tokio::test]
async fn a_flipped_switch_between_commits_loses_no_acknowledged_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, "before", "1").await;
    write(&store, "last", "2").await;
    let mut content = fs::read(file(dir.path())).unwrap();
    store.close();
    content[super::super::slots::SWITCH] ^= 1;
    let copy = tempfile::tempdir().unwrap();
    fs::write(file(copy.path()), content).unwrap();
    let store = open(copy.path());
    assert_eq!(read(&store, "last").await, Ok(Some("2".into())));
}

/// What every operation of a store that cannot be opened answers.
async fn refusal(store: &EmbeddedStore) -> String {
    let errors = [
        store.get(&cart(), &key("a")).await.err(),
        store.get_many(&cart(), &[key("a")]).await.err(),
        store.write(&cart(), vec![set("a", "1")]).await.err(),
        store.increment(&cart(), &key("a"), 1).await.err(),
        store
            .swap(&cart(), &key("a"), None, "1".into(), None)
            .await
            .err(),
        store.keys(&cart(), "", None, 1).await.err(),
        store.usage(&cart()).await.err(),
        store.spaces().await.err(),
        store.export().await.err(),
    ];
    let texts: Vec<String> = errors
        .into_iter()
        .map(|error| error.unwrap().to_string())
        .collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    texts[0].clone()
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is_until_it_is_restored() {
    let foreign = tempfile::tempdir().unwrap();
    let table: TableDefinition<&str, &str> = TableDefinition::new("other");
    let database = Database::create(foreign.path().join("f")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(table)
        .unwrap()
        .insert("a", "b")
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let foreign = fs::read(foreign.path().join("f")).unwrap();
    for content in [Vec::new(), b"no store".to_vec(), vec![0; 2 << 20], foreign] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(file(dir.path()), &content).unwrap();
        let store = open(dir.path());
        let text = refusal(&store).await;
        assert!(text.contains("airgate kv restore"), "{text}");
        assert!(fs::read(file(dir.path())).unwrap() == content);
        restore_it(&store).await;
        let kept = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let kept = kept.filter(|path| path.to_string_lossy().contains("damaged-"));
        let kept: Vec<_> = kept.map(|path| fs::read(path).unwrap()).collect();
        assert!(kept == [content], "the damaged file was not kept");
    }
}

async fn restore_it(store: &EmbeddedStore) {
    let other = tempfile::tempdir().unwrap();
    let source = open(other.path());
    write(&source, "restored", "1").await;
    let records = source.export().await.unwrap();
    assert_eq!(store.import(records).await, Ok(1));
    assert_eq!(read(store, "restored").await, Ok(Some("1".into())));
    write(store, "more", "2").await;
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close();
    let database = Database::open(file(dir.path())).unwrap();
    let transaction = database.begin_write().unwrap();
    let format = 2_u32.to_le_bytes();
    let mut meta = transaction.open_table(META).unwrap();
    meta.insert(META_FORMAT, format.as_slice()).unwrap();
    drop(meta);
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(file(dir.path())).unwrap();
    let store = open(dir.path());
    let text = refusal(&store).await;
    assert!(
        text.contains("another version of Airgate, in format 0x00000002"),
        "{text}"
    );
    assert!(fs::read(file(dir.path())).unwrap() == before);
}

#[tokio::test]
async fn a_file_of_another_version_of_redb_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close();
    let mut content = fs::read(file(dir.path())).unwrap();
    // The version of both commits.
    (content[64], content[192]) = (4, 4);
    fs::write(file(dir.path()), &content).unwrap();
    let store = open(dir.path());
    refusal(&store).await;
    assert!(fs::read(file(dir.path())).unwrap() == content);
}

#[tokio::test]
async fn a_file_in_other_hands_is_refused_and_taken_when_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    write(&first, "a", "1").await;
    let second = EmbeddedStore::open(dir.path(), &name(), StoreSpec::default()).unwrap();
    let text = refusal(&second).await;
    assert!(text.contains("in use by another process"), "{text}");
    first.close();
    write(&second, "b", "2").await;
    assert_eq!(read(&second, "a").await, Ok(Some("1".into())));
}

#[tokio::test]
async fn a_cut_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close();
    let content = fs::read(file(dir.path())).unwrap();
    for length in [1, 319, 4096, content.len() / 2, content.len() - 1] {
        fs::write(file(dir.path()), &content[..length]).unwrap();
        let store = open(dir.path());
        refusal(&store).await;
        store.close();
    }
}
