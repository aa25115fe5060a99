//! Actors: one instance that remembers, or one for each key, and one call at a time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Request;

use super::{actor, component, ok};
use crate::support::{Gate, Setup, empty, eventually, get, guest};

async fn add(gate: &Gate, key: Option<&str>) -> (String, u64) {
    let mut request = Request::get("/actor/add");
    if let Some(key) = key {
        request = request.header("x-key", key);
    }
    let answer = gate.ask(request.body(empty()).unwrap()).await;
    let mut words = ok(&answer).split(' ');
    let instance = words.next().unwrap().to_owned();
    (instance, words.next().unwrap().parse().unwrap())
}

/// How many actors are busy, with those that are told to end, and how many are idle.
async fn alive(gate: &Gate) -> (f64, f64) {
    let metrics = gate.metrics().await;
    let in_state = |state| {
        let labels = [("component", "actor"), ("state", state)];
        metrics.sum("airgate_instances", &labels)
    };
    (in_state("busy"), in_state("idle"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_meets_every_request() {
    let gate = actor("").start().await;
    let (instance, count) = add(&gate, None).await;
    assert_eq!(count, 1);
    let mut counts: Vec<_> = join_all((0..60).map(|_| add(&gate, None))).await;
    assert!(counts.iter().all(|(other, _)| *other == instance));
    counts.sort_by_key(|(_, count)| *count);
    let expected: Vec<u64> = (2..=61).collect();
    assert_eq!(counts.iter().map(|it| it.1).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_one_actor_come_one_after_the_other() {
    let gate = actor("").start().await;
    let began = Instant::now();
    let answers = join_all((0..5).map(|_| gate.get("/actor/add?ms=200"))).await;
    let mut counts: Vec<_> = answers
        .iter()
        .map(|it| ok(it).split(' ').nth(1).unwrap().to_owned())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, ["1", "2", "3", "4", "5"]);
    assert!(
        began.elapsed() >= Duration::from_millis(990),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_have_instances_of_their_own_and_wait_for_nobody_else() {
    let gate = actor("key = { header = \"x-key\" }\nmax = 64")
        .start()
        .await;
    let mut instances = std::collections::HashSet::new();
    for key in ["a", "b", "c"] {
        let first = add(&gate, Some(key)).await;
        let second = add(&gate, Some(key)).await;
        assert_eq!((&first.0, first.1, second.1), (&second.0, 1, 2), "{key}");
        instances.insert(first.0);
    }
    assert_eq!(instances.len(), 3);
    let keyless = add(&gate, None).await;
    assert_eq!((keyless.1, instances.contains(&keyless.0)), (1, false));
    let slow = async {
        let request = Request::get("/actor/add?ms=4000").header("x-key", "a");
        gate.ask(request.body(empty()).unwrap()).await;
        Instant::now()
    };
    let quick = async {
        eventually("one is busy", async || alive(&gate).await.0 >= 1.0).await;
        add(&gate, Some("b")).await;
        Instant::now()
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert!(quick < slow, "it waited for another key's");
}

#[tokio::test]
async fn messages_of_a_key_meet_its_instance_in_order() {
    let lines = "key = { field = \"user\" }\n[[component.NAME.subscribe]]\ntopic = \"chat\"";
    let setup = actor(lines);
    let gate = setup
        .route("path = \"/say\"\npublish = \"chat\"\nmethods = [\"POST\"]")
        .route("path = \"/ask\"\nrequest = \"chat\"")
        .start()
        .await;
    let mut connection = gate.http1().await;
    for n in 0..40 {
        let user = ["ann", "bob"][n % 2];
        let text = format!("{{\"n\":{n},\"user\":\"{user}\"}}");
        let request = Request::post("/say")
            .body(crate::support::body(text))
            .unwrap();
        assert_eq!(connection.ask(request).await.status(), 202);
    }
    let mut instances = Vec::new();
    for user in ["ann", "bob"] {
        // Of the same publisher: behind its messages.
        let text = format!("{{\"user\":\"{user}\"}}");
        let request = Request::post("/ask")
            .body(crate::support::body(text))
            .unwrap();
        let answer = connection.ask(request).await;
        let text = ok(&answer).to_owned();
        let (instance, count) = text.split_once(' ').unwrap();
        assert_eq!(count, "21", "its own 20, and this one");
        instances.push(instance.to_owned());
    }
    assert_ne!(instances[0], instances[1]);
}

/// Half of the traffic each: without its key, a message would meet either version's actor.
#[tokio::test]
async fn a_key_meets_one_actor_however_traffic_is_split() {
    let source = guest("actor");
    let lines = format!(
        "[component.actor]\n\
         instances = {{ actor = true, key = {{ header = \"x-key\" }} }}\n\
         [[component.actor.subscribe]]\ntopic = \"chat\"\n\
         [component.actor.traffic]\na = 50\nb = 50\n\
         [[component.actor.versions]]\nname = \"a\"\nsource = {source:?}\n\
         [[component.actor.versions]]\nname = \"b\"\nsource = {source:?}\n"
    );
    let gate = Setup::default()
        .lines(&lines)
        .route("prefix = \"/actor\"\ncomponent = \"actor\"")
        .route("path = \"/ask\"\nrequest = \"chat\"")
        .start()
        .await;
    let mut instances = std::collections::HashSet::new();
    for key in ["ann", "bob", "cleo", "dan", "eve", "fay", "gil", "hal"] {
        let (instance, _) = add(&gate, Some(key)).await;
        for count in 2..6 {
            // A header of a message is an entry of it: as the request's, so the message's.
            let message = Request::post("/ask").header("x-message-x-key", key);
            let answer = gate.ask(message.body(empty()).unwrap()).await;
            let expected = format!("{instance} {}", 2 * count - 2);
            assert_eq!(ok(&answer), expected, "{key}");
            let expected = (instance.clone(), 2 * count - 1);
            assert_eq!(add(&gate, Some(key)).await, expected, "{key}");
        }
        instances.insert(instance);
    }
    assert_eq!(instances.len(), 8);
    for version in ["a", "b"] {
        let labels = [("version", version), ("state", "idle")];
        eventually("some keys have met this version", async || {
            gate.metrics().await.sum("airgate_instances", &labels) > 0.0
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_log_keeps_the_order_of_its_publisher() {
    let lines = "[[component.NAME.subscribe]]\ntopic = \"chat\"";
    let setup = component(
        actor(lines),
        "sender",
        "bus",
        "[component.NAME.capabilities]\npublish = [\"chat\"]",
    );
    let gate = setup.start().await;
    assert_eq!(
        ok(&gate.get("/sender/send?topic=chat&body=m{n}&n=100").await),
        "ok 100"
    );
    let mut log = Vec::new();
    eventually("all are logged", async || {
        let answer = gate.get("/actor/state").await;
        log = ok(&answer).lines().skip(1).map(str::to_owned).collect();
        log.len() == 100
    })
    .await;
    let expected: Vec<_> = (0..100).map(|n| format!("log m{n}")).collect();
    assert_eq!(log, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_mailbox_refuses() {
    // Long enough that all have come before the first is done; nobody loses patience meanwhile.
    let lines = "mailbox = 3\n[component.NAME.limits]\ntimeout = \"30s\"";
    let gate = actor(lines).start().await;
    let answers = join_all((0..12).map(|_| gate.get("/actor/add?ms=1500"))).await;
    let served = answers.iter().filter(|it| it.status() == 200).count();
    let refused = answers.iter().filter(|it| it.status() == 503).count();
    assert_eq!(served + refused, 12);
    assert!((3..=5).contains(&served), "{served} were served");
    assert_eq!(add(&gate, None).await.1, served as u64 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyed_actors_are_bounded_and_the_idle_ones_go() {
    let lines = "key = { header = \"x-key\" }\nmax = 4\nidle_timeout = \"60s\"\n\
        [component.NAME.limits]\ntimeout = \"30s\"";
    let gate = actor(lines).start().await;
    // Those that are told to end are there a moment longer, and only so many end at once.
    let within_bounds = async || {
        eventually("no more are alive than may be", async || {
            let (busy, idle) = alive(&gate).await;
            busy + idle <= 4.0
        })
        .await;
    };
    let first = add(&gate, Some("key-0")).await;
    for n in 1..20 {
        assert_eq!(add(&gate, Some(&format!("key-{n}"))).await.1, 1);
        within_bounds().await;
    }
    let again = add(&gate, Some("key-0")).await;
    assert_eq!(again.1, 1, "it had made room, and begins anew");
    assert_ne!(first.0, again.0);
    within_bounds().await;
    // When all are busy there is no room for one more.
    let busy = (0..4).map(async |n| {
        let request = Request::get("/actor/add?ms=4000").header("x-key", format!("busy-{n}"));
        gate.ask(request.body(empty()).unwrap()).await.status()
    });
    let (served, refused) = tokio::join!(join_all(busy), async {
        eventually("all are busy", async || alive(&gate).await == (4.0, 0.0)).await;
        let request = Request::get("/actor/add").header("x-key", "one-more");
        gate.ask(request.body(empty()).unwrap()).await.status()
    });
    assert!(served.iter().all(|status| *status == 200), "{served:?}");
    assert_eq!(refused, 503);
}

#[tokio::test]
async fn an_idle_keyed_actor_is_told_to_end() {
    let lines = "key = { header = \"x-key\" }\nidle_timeout = \"3s\"\n\
        [component.NAME.capabilities]\nkeyvalue = { default = \"read-write\" }";
    let gate = actor(lines).start().await;
    add(&gate, Some("a")).await;
    add(&gate, Some("a")).await;
    eventually("it was told", async || {
        let stored = gate
            .admin(get("/v1/stores/default/spaces/actor/keys/shutdown"))
            .await;
        stored.status() == 200 && stored.text() == "2"
    })
    .await;
    assert_eq!(add(&gate, Some("a")).await.1, 1);
}

#[tokio::test]
async fn a_trap_ends_an_actor_and_a_new_one_begins() {
    let gate = actor("").start().await;
    let (first, _) = add(&gate, None).await;
    assert_eq!(gate.get("/actor/trap").await.status(), 502);
    let (second, count) = add(&gate, None).await;
    assert_ne!(first, second);
    assert_eq!(count, 1);
    assert_eq!(super::version(&gate, "actor").await["restarts"], 1);
}

#[tokio::test]
async fn an_actor_does_not_survive_a_reload_that_changes_it_and_does_any_other() {
    let mut gate = actor("").start().await;
    let (first, _) = add(&gate, None).await;
    gate.rewrite(actor("").guest("hello"));
    assert_eq!(gate.reload().await.status(), 200);
    let (second, count) = add(&gate, None).await;
    assert_eq!((first, count), (second.clone(), 2));
    gate.rewrite(actor("[component.NAME.limits]\nmemory = \"32MiB\""));
    assert_eq!(gate.reload().await.status(), 200);
    let (third, count) = add(&gate, None).await;
    assert_ne!(second, third);
    assert_eq!(count, 1);
}

#[tokio::test]
async fn actors_and_reuse_are_a_mistake_of_the_file() {
    let lines = "[component.NAME.instances]\nactor = true\nreuse = 10";
    let setup = component(Setup::default(), "actor", "actor", lines);
    let refusal = setup.try_start().await.err().expect("a refusal");
    assert!(refusal.stderr.contains("actor"), "{}", refusal.stderr);
}

#[tokio::test]
async fn a_poison_message_is_one_failure_of_an_actor_and_stops_nothing() {
    let lines = "[component.NAME.supervision]\nmax_restarts = 1\nbackoff = \"20ms\"\n\
        [[component.NAME.subscribe]]\ntopic = \"chat\"\nbackoff = \"20ms\"\nmax_backoff = \"50ms\"";
    let gate = actor(lines)
        .route("path = \"/say\"\npublish = \"chat\"")
        .start()
        .await;
    assert_eq!(gate.post("/say", "trap").await.status(), 202);
    eventually("it is given up", async || {
        let labels = [("subscriber", "actor"), ("result", "dead_lettered")];
        gate.metrics()
            .await
            .sum("airgate_bus_messages_total", &labels)
            == 1.0
    })
    .await;
    assert_eq!(super::version(&gate, "actor").await["restarts"], 1);
    assert_eq!(add(&gate, None).await.1, 1, "it serves");
}

#[tokio::test]
async fn clients_of_one_key_cannot_stop_those_of_another() {
    let lines = "key = { header = \"x-key\" }\n[component.NAME.supervision]\nmax_restarts = 1";
    let gate = actor(lines).start().await;
    let (instance, _) = add(&gate, Some("good")).await;
    for _ in 0..10 {
        let request = Request::get("/actor/trap").header("x-key", "bad");
        let answer = gate.ask(request.body(empty()).unwrap()).await;
        assert_eq!(answer.status(), 502);
    }
    assert_eq!(add(&gate, Some("good")).await, (instance, 2));
}
