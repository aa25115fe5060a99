//! The interfaces of the stores, as guests use them.

use super::{GRANTED, component, kv, ok};
use crate::support::{Gate, Setup, eventually};

async fn told(gate: &Gate, path: &str) -> String {
    ok(&gate.get(path).await).to_owned()
}

#[tokio::test]
async fn a_guest_reads_what_it_has_written() {
    let drafts = component(kv(), "draft", "kv-draft", GRANTED);
    let gate = drafts.start().await;
    for at in ["/kv", "/draft"] {
        assert_eq!(told(&gate, &format!("{at}/get?key=a")).await, "none");
        assert_eq!(
            told(&gate, &format!("{at}/set?key=a&value=1%202")).await,
            "ok"
        );
        assert_eq!(told(&gate, &format!("{at}/get?key=a")).await, "value 1 2");
        assert_eq!(told(&gate, &format!("{at}/exists?key=a")).await, "true");
        assert_eq!(told(&gate, &format!("{at}/delete?key=a")).await, "ok");
        assert_eq!(told(&gate, &format!("{at}/delete?key=a")).await, "ok");
        assert_eq!(told(&gate, &format!("{at}/exists?key=a")).await, "false");
        assert_eq!(
            told(&gate, &format!("{at}/set-many?a=1&b=2&c=3")).await,
            "ok"
        );
        let many = told(&gate, &format!("{at}/get-many?keys=c,x,a")).await;
        assert_eq!(many, "c 3\nnone\na 1");
        assert_eq!(
            told(&gate, &format!("{at}/delete-many?keys=a,b,x")).await,
            "ok"
        );
        assert_eq!(told(&gate, &format!("{at}/list")).await, "key c");
        assert_eq!(
            told(&gate, &format!("{at}/increment?key=n&delta=5")).await,
            "5"
        );
        assert_eq!(
            told(&gate, &format!("{at}/increment?key=n&delta=2")).await,
            "7"
        );
        assert_eq!(told(&gate, &format!("{at}/get?key=n")).await, "value 7");
        assert_eq!(
            told(&gate, &format!("{at}/set?key=w&value=words")).await,
            "ok"
        );
        let failure = told(&gate, &format!("{at}/increment?key=w")).await;
        assert!(failure.starts_with("error:other not a number"), "{failure}");
        assert_eq!(told(&gate, &format!("{at}/get?key=w")).await, "value words");
    }
}

#[tokio::test]
async fn a_swap_happens_only_where_nobody_came_between() {
    let gate = kv().start().await;
    assert_eq!(told(&gate, "/kv/swap?key=a&value=1").await, "swapped");
    assert_eq!(told(&gate, "/kv/swap?key=a&value=2").await, "failed 1");
    assert_eq!(
        told(&gate, "/kv/swap?key=a&from=1&value=2").await,
        "swapped"
    );
    assert_eq!(
        told(&gate, "/kv/swap?key=a&from=1&value=3").await,
        "failed 2"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn increments_at_once_add_up() {
    let gate = kv().start().await;
    let adding = (0..8).map(async |_| {
        let mut connection = gate.http1().await;
        for _ in 0..50 {
            let answer = connection.get("/kv/increment?key=n").await;
            assert!(ok(&answer).parse::<i64>().is_ok(), "{}", answer.text());
        }
    });
    futures_util::future::join_all(adding).await;
    assert_eq!(told(&gate, "/kv/get?key=n").await, "value 400");
}

#[tokio::test]
async fn a_component_sees_what_is_its_own_and_nothing_else() {
    let setup = component(kv(), "other", "kv", GRANTED);
    let gate = setup.start().await;
    assert_eq!(told(&gate, "/kv/set?key=secret&value=1").await, "ok");
    for path in [
        "get?key=secret",
        "get?key=kv%2Fsecret",
        "get?key=..%2Fkv%2Fsecret",
    ] {
        assert_eq!(
            told(&gate, &format!("/other/{path}")).await,
            "none",
            "{path}"
        );
    }
    assert_eq!(told(&gate, "/other/list").await, "");
    assert_eq!(told(&gate, "/other/set?key=secret&value=2").await, "ok");
    assert_eq!(told(&gate, "/kv/get?key=secret").await, "value 1");
}

#[tokio::test]
async fn what_is_not_granted_is_not_there() {
    let setup = component(kv(), "nothing", "kv", "");
    let setup = component(
        setup,
        "reader",
        "kv",
        "keyvalue = { default = \"read\", fast = \"read-write\" }",
    )
    .lines("[storage.fast]\nbackend = \"memory\"");
    let gate = setup.start().await;
    assert_eq!(
        told(&gate, "/nothing/get?key=a").await,
        "error:no-such-store"
    );
    assert_eq!(
        told(&gate, "/kv/get?store=fast&key=a").await,
        "error:no-such-store"
    );
    assert_eq!(told(&gate, "/reader/get?key=a").await, "none");
    for write in [
        "set?key=a&value=1",
        "delete?key=a",
        "increment?key=a",
        "set-many?a=1",
        "swap?key=a&value=1",
    ] {
        let answer = told(&gate, &format!("/reader/{write}")).await;
        assert_eq!(answer, "error:access-denied", "{write}");
    }
    assert_eq!(
        told(&gate, "/reader/set?store=fast&key=a&value=1").await,
        "ok"
    );
    assert_eq!(gate.denied("nothing", "keyvalue").await, 1.0);
    assert_eq!(gate.denied("reader", "keyvalue").await, 5.0);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let setup = component(kv(), "draft", "kv-draft", GRANTED);
    let gate = setup.start().await;
    for at in ["/kv", "/draft"] {
        for hundred in 0..25 {
            let pairs: Vec<_> = (0..100).map(|n| format!("k{hundred:02}{n:02}=x")).collect();
            let path = format!("{at}/set-many?{}", pairs.join("&"));
            assert_eq!(told(&gate, &path).await, "ok");
        }
        let (mut keys, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = told(&gate, &format!("{at}/list{cursor}")).await;
            pages += 1;
            keys.extend(
                page.lines()
                    .filter_map(|it| it.strip_prefix("key "))
                    .map(str::to_owned),
            );
            match page.lines().find_map(|it| it.strip_prefix("cursor ")) {
                Some(next) => cursor = format!("?cursor={}", crate::support::encoded(next)),
                None => break,
            }
        }
        assert_eq!((keys.len(), keys.is_sorted()), (2_500, true), "{at}");
        assert!((3..=4).contains(&pages), "{pages}");
    }
}

#[tokio::test]
async fn the_interface_of_our_own_shows_use_and_lets_values_expire() {
    let grants = "keyvalue = { default = \"read-write\" }";
    let gate = component(Setup::default(), "all", "bus-core", grants)
        .start()
        .await;
    assert_eq!(told(&gate, "/all/kv-set?key=abc&value=12345").await, "ok");
    let usage = told(&gate, "/all/kv-usage").await;
    assert_eq!(usage, "bytes=8 keys=1 max-bytes=67108864 max-keys=100000");
    assert_eq!(
        told(&gate, "/all/kv-set?key=brief&value=x&ttl=3000").await,
        "ok"
    );
    assert_eq!(told(&gate, "/all/kv-get?key=brief").await, "value x");
    eventually("it has expired", async || {
        told(&gate, "/all/kv-get?key=brief").await == "none"
    })
    .await;
    assert_eq!(told(&gate, "/all/kv-list?prefix=ab").await, "key abc");
    assert_eq!(told(&gate, "/all/kv-delete?key=abc").await, "true");
    assert_eq!(told(&gate, "/all/kv-delete?key=abc").await, "false");
    eventually("what is gone no longer counts", async || {
        told(&gate, "/all/kv-usage")
            .await
            .starts_with("bytes=0 keys=0")
    })
    .await;
}

#[tokio::test]
async fn a_memory_store_forgets_and_an_embedded_one_does_not() {
    let state = tempfile::tempdir().unwrap();
    crate::support::write_token(state.path());
    let grants = "keyvalue = { default = \"read-write\", fast = \"read-write\" }";
    let setup = component(Setup::default().state(state.path()), "kv", "kv", grants)
        .lines("[storage.fast]\nbackend = \"memory\"");
    let gate = setup.clone().start().await;
    for store in ["default", "fast"] {
        assert_eq!(
            told(&gate, &format!("/kv/set?store={store}&key=a&value=1")).await,
            "ok"
        );
    }
    drop(gate);
    let gate = setup.start().await;
    assert_eq!(told(&gate, "/kv/get?store=default&key=a").await, "value 1");
    assert_eq!(told(&gate, "/kv/get?store=fast&key=a").await, "none");
}

#[tokio::test]
async fn operations_are_measured() {
    let gate = kv().start().await;
    told(&gate, "/kv/set?key=a&value=1").await;
    told(&gate, "/kv/get?key=a").await;
    let metrics = gate.metrics().await;
    for operation in ["get", "set"] {
        let labels = [("backend", "embedded"), ("operation", operation)];
        let count = metrics.sum("airgate_kv_operation_seconds_count", &labels);
        assert!(count >= 1.0, "{operation}");
    }
}
