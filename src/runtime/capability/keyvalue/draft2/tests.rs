use std::sync::Arc;

use super::atomics::{Host as _, HostCas};
use super::batch::Host as _;
use super::store::{Host as _, HostBucket};
use super::*;
use crate::core::{KvAccess, StoreError};
use crate::monitoring::MeasuredStore;
use crate::runtime::capability::keyvalue::testing::*;
use crate::security::AuditKind;

/// A handle lives as long as its guest; a copy of it means the same.
fn again<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_own(handle.rep())
}

async fn open(guest: &mut Guest) -> Resource<Bucket> {
    guest.open(String::new()).await.unwrap().unwrap()
}

async fn set(guest: &mut Guest, bucket: &Resource<Bucket>, key: &str, value: &[u8]) {
    let set = guest.set(again(bucket), key.into(), value.to_vec());
    set.await.unwrap().unwrap();
}

async fn get(guest: &mut Guest, bucket: &Resource<Bucket>, key: &str) -> Option<Vec<u8>> {
    let value = HostBucket::get(guest, again(bucket), key.into()).await;
    value.unwrap().unwrap()
}

async fn read(guest: &mut Guest, bucket: &Resource<Bucket>, key: &str) -> Resource<Cas> {
    let cas = HostCas::new(guest, again(bucket), key.into()).await;
    cas.unwrap().unwrap()
}

fn text<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer.unwrap() {
        Err(Error::Other(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_one_component_keeps_no_other_finds() {
    let shelf = Arc::default();
    let mut cart = trusted(&shelf);
    let mut stock = instance("stock", &shelf, grants(KvAccess::ReadWrite));
    let (own, other) = (open(&mut cart).await, open(&mut stock).await);
    set(&mut cart, &own, "a", b"1").await;
    assert_eq!(get(&mut cart, &own, "a").await.unwrap(), b"1");
    assert_eq!(get(&mut stock, &other, "a").await, None);
}

#[tokio::test]
async fn a_store_that_is_not_granted_is_not_there_and_reported() {
    let mut guest = trusted(&Arc::default());
    for name in ["other", "missing", "no/name\n", &"x".repeat(1 << 20)] {
        let opened = guest.open(name.into()).await.unwrap();
        assert!(matches!(opened, Err(Error::NoSuchStore)));
    }
    let reported = reported(&guest, AuditKind::Denied);
    assert_eq!(reported.len(), 3, "granted, but not there: {reported:?}");
    assert!(reported.iter().all(|name| name.len() < 100));
}

#[tokio::test]
async fn a_grant_to_read_writes_nothing() {
    let shelf = Arc::default();
    let mut owner = trusted(&shelf);
    let bucket = open(&mut owner).await;
    set(&mut owner, &bucket, "a", b"1").await;
    let mut guest = instance("cart", &shelf, grants(KvAccess::Read));
    let bucket = open(&mut guest).await;
    let cas = read(&mut guest, &bucket, "a").await;
    let (key, bucket) = (|| "a".to_owned(), || again(&bucket));
    for written in [
        guest.set(bucket(), key(), b"2".into()).await.unwrap(),
        guest.delete(bucket(), key()).await.unwrap(),
        guest.increment(bucket(), key(), 1).await.unwrap().map(drop),
        guest.set_many(bucket(), vec![]).await.unwrap(),
        guest.delete_many(bucket(), vec![key()]).await.unwrap(),
    ] {
        assert!(matches!(written, Err(Error::AccessDenied)), "{written:?}");
    }
    assert!(matches!(
        guest.swap(cas, b"2".into()).await.unwrap(),
        Err(CasError::StoreError(Error::AccessDenied))
    ));
    assert_eq!(get(&mut guest, &bucket(), "a").await.unwrap(), b"1");
    assert_eq!(reported(&guest, AuditKind::Denied), ["default"; 6]);
}

#[tokio::test]
async fn audit_mode_lets_through_what_is_there() {
    let mut guest = instance("cart", &Arc::default(), audited());
    let bucket = open(&mut guest).await;
    set(&mut guest, &bucket, "a", b"1").await;
    let missing = guest.open("missing".into()).await.unwrap();
    assert!(matches!(missing, Err(Error::NoSuchStore)));
    assert_eq!(reported(&guest, AuditKind::Audited).len(), 2);
}

#[tokio::test]
async fn a_listing_goes_on_where_it_was() {
    let mut guest = trusted(&Arc::default());
    let bucket = open(&mut guest).await;
    for n in 0..2_500 {
        set(&mut guest, &bucket, &format!("{n:04}"), b"").await;
    }
    let (mut keys, mut pages, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = guest.list_keys(again(&bucket), cursor).await;
        let page = page.unwrap().unwrap();
        pages.push(page.keys.len());
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, [1_000, 1_000, 500]);
    assert!(keys.is_sorted() && keys.len() == 2_500);
}

#[tokio::test]
async fn a_swap_that_comes_too_late_hands_out_what_is_there() {
    let mut guest = trusted(&Arc::default());
    let bucket = open(&mut guest).await;
    let cas = read(&mut guest, &bucket, "a").await;
    assert_eq!(
        HostCas::current(&mut guest, again(&cas))
            .await
            .unwrap()
            .unwrap(),
        None
    );
    set(&mut guest, &bucket, "a", b"theirs").await;
    let failed = guest.swap(cas, b"ours".into()).await.unwrap();
    let Err(CasError::CasFailed(now)) = failed else {
        panic!("{failed:?}");
    };
    let current = HostCas::current(&mut guest, again(&now))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(current.unwrap(), b"theirs");
    guest.swap(now, b"ours".into()).await.unwrap().unwrap();
    assert_eq!(get(&mut guest, &bucket, "a").await.unwrap(), b"ours");
}

#[tokio::test]
async fn what_handles_hold_is_bounded() {
    let mut guest = trusted(&Arc::default());
    let bucket = open(&mut guest).await;
    set(&mut guest, &bucket, "a", &[0; 1 << 20]).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(read(&mut guest, &bucket, "a").await);
    }
    let refused = HostCas::new(&mut guest, again(&bucket), "a".into()).await;
    assert!(text(refused).starts_with("value too large: handles"));
    HostCas::drop(&mut guest, held.pop().unwrap())
        .await
        .unwrap();
    let cas = read(&mut guest, &bucket, "a").await;
    guest.swap(cas, b"".into()).await.unwrap().unwrap();
    assert_eq!(guest.stores.held, 15 << 20);
}

#[tokio::test]
async fn an_answer_is_bounded_before_it_is_read_in_full() {
    let shelf = Arc::<Shelf>::default();
    let mut guest = trusted(&shelf);
    let bucket = open(&mut guest).await;
    set(&mut guest, &bucket, "a", &[0; 1 << 20]).await;
    let keys = vec!["a".to_owned(); 1_000];
    let answer = text(guest.get_many(again(&bucket), keys).await);
    assert!(answer.starts_with("value too large: one answer"));
    assert!(shelf.reads() <= 32, "{} values were read", shelf.reads());
}

#[tokio::test]
async fn an_answer_has_one_entry_for_each_key() {
    let mut guest = trusted(&Arc::default());
    let bucket = open(&mut guest).await;
    let keys: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let odd = keys.iter().skip(1).step_by(2);
    let entries: Vec<_> = odd.map(|key| (key.clone(), key.clone().into())).collect();
    let set = guest.set_many(again(&bucket), entries).await;
    set.unwrap().unwrap();
    let answer = guest.get_many(again(&bucket), keys.clone()).await;
    for (n, (entry, key)) in answer.unwrap().unwrap().into_iter().zip(keys).enumerate() {
        let expected = (n % 2 == 1).then(|| (key.clone(), key.into_bytes()));
        assert_eq!(entry, expected);
    }
}

#[tokio::test]
async fn more_than_a_thousand_keys_are_too_many() {
    let mut guest = trusted(&Arc::default());
    let bucket = open(&mut guest).await;
    let keys = || vec!["a".to_owned(); 1_001];
    let entries = keys().into_iter().map(|key| (key, Vec::new())).collect();
    for refused in [
        text(guest.get_many(again(&bucket), keys()).await),
        text(guest.set_many(again(&bucket), entries).await),
        text(guest.delete_many(again(&bucket), keys()).await),
    ] {
        assert!(refused.starts_with("too many keys"), "{refused}");
    }
}

#[tokio::test]
async fn a_store_that_fails_says_no_more_than_that() {
    let shelf = Arc::<Shelf>::default();
    let mut guest = trusted(&shelf);
    let bucket = open(&mut guest).await;
    shelf.fail(StoreError::Corrupt("/var/lib/x: page 7".into()));
    let answer = HostBucket::get(&mut guest, again(&bucket), "a".into()).await;
    assert_eq!(text(answer), "corrupt: what is stored is damaged");
    let answer = HostBucket::get(&mut guest, again(&bucket), "".into()).await;
    assert_eq!(text(answer), "invalid key: a key must not be empty");
}

#[tokio::test]
async fn operations_and_errors_of_a_store_are_measured() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let shelf = Arc::<Shelf>::default();
    let measured = || MeasuredStore::around(shelf.clone());
    let measured = metrics::with_local_recorder(&recorder, measured);
    let (space, key) = ("cart".parse().unwrap(), "a".parse().unwrap());
    measured.get(&space, &key).await.unwrap();
    shelf.fail(StoreError::Busy);
    measured.get(&space, &key).await.unwrap_err();
    let text = recorder.handle().render();
    let ends = |end: &str| text.lines().any(|line| line.ends_with(end));
    let labels = r#"{backend="memory",operation="get"}"#;
    assert!(ends(&format!("seconds_count{labels} 2")), "{text}");
    assert!(ends(r#"{backend="memory",error="busy"} 1"#), "{text}");
}
