//! A request has a reply or an error, and never neither.

use std::time::{Duration, Instant};

use super::{asking, component, member, ok};
use crate::support::{Gate, Setup, eventually, get};

/// As long as these tests wait themselves, and longer.
const PATIENT: &str = "[component.asker.limits]\ntimeout = \"60s\"\n\
    [component.answerer.limits]\ntimeout = \"60s\"";

fn pair(lines: &str) -> Setup {
    let setup = member(Setup::default(), "asker", &[]);
    member(setup, "answerer", &[&format!("topic = \"a\"\n{lines}")])
}

#[tokio::test]
async fn a_request_has_its_reply() {
    let gate = pair("").start().await;
    for n in 0..50 {
        let answer = gate.get(&asking("asker", "a", &format!("echo {n}"))).await;
        assert_eq!(ok(&answer), format!("reply echo {n}"));
    }
}

#[tokio::test]
async fn what_keeps_a_reply_away_is_told_at_once() {
    let gate = pair("").lines(PATIENT).start().await;
    for (topic, body, error) in [
        ("nobody", "echo", "error:connection"),
        ("a", "silent", "error:other"),
        ("a", "fail on purpose", "error:other"),
        ("a", "trap", "error:other"),
    ] {
        let began = Instant::now();
        let answer = gate.get(&asking("asker", topic, body)).await;
        assert!(ok(&answer).starts_with(error), "{body}: {}", answer.text());
        assert!(began.elapsed() < Duration::from_secs(10), "{body}");
        assert!(
            !answer.text().contains('/'),
            "no path, no backtrace: {}",
            answer.text()
        );
    }
    // A request is not tried again behind the back of who asked.
    let tries = super::counted(&gate, "answerer", "retried").await;
    assert_eq!(tries, 0.0);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_the_handler() {
    let gate = pair("").lines(PATIENT).start().await;
    let began = Instant::now();
    let path = asking("asker", "a", "sleep 20000") + "&timeout=200";
    assert_eq!(ok(&gate.get(&path).await), "error:timeout");
    eventually("nobody sleeps any more", async || {
        gate.instances("answerer", "busy").await == 0.0
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "its handler was stopped, not waited for"
    );
}

#[tokio::test]
async fn who_waits_as_long_as_it_may_still_has_time_to_say_so() {
    let limits = "[component.asker.limits]\ntimeout = \"1s\"";
    let gate = pair("").lines(limits).start().await;
    for timeout in ["", "&timeout=60000"] {
        let path = asking("asker", "a", "sleep 20000") + timeout;
        said_in_time(&gate, &path, "error:timeout").await;
    }
    // A handler of a message too: it replies before its own second is over.
    let subscribed = ["topic = \"b\""];
    let setup = member(pair(""), "middle", &subscribed);
    let limits = "[component.middle.limits]\ntimeout = \"1s\"";
    let gate = setup.lines(limits).start().await;
    let path = asking("asker", "b", "ask a sleep 20000");
    said_in_time(&gate, &path, "reply asked: error:timeout").await;
}

/// A tenth of a second is left to say it: on a busy machine that is not always enough.
async fn said_in_time(gate: &Gate, path: &str, expected: &str) {
    let mut answers = Vec::new();
    while answers.len() < 4 {
        let answer = gate.get(path).await;
        if answer.status() == 200 && answer.text().trim_end() == expected {
            return;
        }
        answers.push(format!("{} {}", answer.status(), answer.text()));
    }
    panic!("{answers:?}");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_handlers_behind_it() {
    let gate = pair("").lines(PATIENT).start().await;
    let mut connection = gate.http1().await;
    let asked = asking("asker", "a", "sleep 50000");
    let asleep = eventually("it sleeps", async || {
        gate.instances("answerer", "busy").await == 1.0
    });
    tokio::select! {
        _ = connection.ask(get(&asked)) => panic!("it sleeps for long"),
        () = asleep => {}
    }
    drop(connection);
    gate.at_rest().await;
}

#[tokio::test]
async fn several_replies_are_collected() {
    let setup = member(Setup::default(), "asker", &[]);
    let setup = member(setup, "one", &["topic = \"a\""]);
    let patient = "[component.asker.limits]\ntimeout = \"60s\"";
    let setup = member(setup, "two", &["topic = \"a\""]);
    let gate = setup.lines(patient).start().await;
    let answer = gate
        .get(&(asking("asker", "a", "echo x") + "&replies=2"))
        .await;
    assert_eq!(ok(&answer), "reply echo x\nreply echo x");
    let answer = gate
        .get(&(asking("asker", "a", "twice") + "&replies=4"))
        .await;
    assert_eq!(answer.text().lines().count(), 4);
    let began = Instant::now();
    let path = asking("asker", "a", "echo x") + "&replies=9&timeout=30000";
    assert_eq!(
        gate.get(&path).await.text().lines().count(),
        2,
        "those that came"
    );
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "nobody is left who could answer"
    );
}

#[tokio::test]
async fn requests_wait_side_by_side_and_can_be_cancelled() {
    let setup = component(Setup::default(), "asker", "bus-core", super::GRANTS, &[]);
    let setup = member(setup, "answerer", &["topic = \"a\""]);
    let gate = setup.lines(PATIENT).start().await;
    let began = Instant::now();
    let answer = gate
        .get("/asker/start-two?topic=a&body=sleep%203000%20&n=4&timeout=30000")
        .await;
    assert_eq!(
        answer
            .text()
            .lines()
            .filter(|it| it.ends_with("reply slept"))
            .count(),
        4
    );
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    let answer = gate
        .get("/asker/start-cancel?topic=a&body=sleep%2050000&timeout=55000")
        .await;
    assert_eq!(ok(&answer), "error:cancelled");
    let answer = gate
        .get("/asker/start-drop?topic=a&body=sleep%2050000&timeout=55000")
        .await;
    assert_eq!(ok(&answer), "dropped");
    gate.at_rest().await;
    for (path, error) in [
        ("topic=a.*&body=x", "error:invalid-topic"),
        ("topic=nobody&body=x", "error:no-receiver"),
        ("topic=a&body=sleep%204000&timeout=100", "error:timed-out"),
        ("topic=a&body=silent", "error:receiver-failed"),
        ("topic=a&bytes=2000000", "error:too-large 1048576"),
    ] {
        let answer = gate.get(&format!("/asker/request?{path}")).await;
        assert!(ok(&answer).starts_with(error), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_request_follows_its_cohort_over_the_bus() {
    let versions = "[[component.answerer.versions]]\nname = \"one\"\nsource = SOURCE\n\
        [[component.answerer.versions]]\nname = \"two\"\nsource = OTHER\n\
        [component.answerer.traffic]\none = 50\ntwo = 50\n\
        [[component.answerer.subscribe]]\ntopic = \"a\"\n";
    // The same code under another digest: a custom section at its end.
    let dir = tempfile::tempdir().unwrap();
    let bus = std::fs::read(crate::support::guest("bus")).unwrap();
    let other = crate::support::marked(&bus, "other");
    let file = dir.path().join("other.wasm");
    std::fs::write(&file, other).unwrap();
    let lines = versions
        .replace("SOURCE", &format!("{:?}", crate::support::guest("bus")))
        .replace("OTHER", &format!("{file:?}"));
    let setup = member(Setup::default(), "asker", &[])
        .lines(&lines)
        .lines("[component.asker.affinity]\nheader = \"x-user\"");
    let gate = setup.start().await;
    let handled = async |version: &str| {
        let labels = [("component", "answerer"), ("version", version)];
        gate.metrics()
            .await
            .sum("airgate_guest_requests_total", &labels)
    };
    for user in 0..10 {
        let before = (handled("one").await, handled("two").await);
        for _ in 0..4 {
            let request = http::Request::get(asking("asker", "a", "echo x"));
            let request = request.header("x-user", format!("user-{user}"));
            let answer = gate
                .ask(request.body(crate::support::empty()).unwrap())
                .await;
            assert_eq!(ok(&answer), "reply echo x");
        }
        let mut after = (0.0, 0.0);
        eventually("its four requests are counted", async || {
            after.0 = handled("one").await - before.0;
            after.1 = handled("two").await - before.1;
            after.0 + after.1 >= 4.0
        })
        .await;
        assert!(
            after == (4.0, 0.0) || after == (0.0, 4.0),
            "user {user}: {after:?}"
        );
    }
    let both = (handled("one").await, handled("two").await);
    assert!(both.0 > 0.0 && both.1 > 0.0, "{both:?}");
}
