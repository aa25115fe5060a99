//! What an operator reads about `[component.NAME.supervision]`.

use super::assert_adds;

#[track_caller]
fn assert_supervision(keys: &str, expected: &[&str]) {
    let expected = expected
        .iter()
        .map(|line| line.replace("it.", "component.a.supervision."));
    let expected: Vec<_> = expected.collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    assert_adds(&format!("[component.a.supervision]\n{keys}"), &expected);
}

#[test]
fn everything_is_within_bounds() {
    for good in [
        "",
        "max_restarts = 0",
        "within = \"24h\"",
        "health_interval = \"100ms\"",
        "health_timeout = \"10m\"",
        "health_failures = 100",
        "shutdown_timeout = \"0s\"",
        "strategy = \"escalate\"",
    ] {
        assert_supervision(good, &[]);
    }
    for (bad, line) in [
        (
            "strategy = \"excalate\"",
            "it.strategy: unknown strategy \"excalate\", did you mean \"escalate\"?",
        ),
        (
            "max_restarts = 1_001",
            "it.max_restarts: expected a whole number from 0 to 1000, found the number 1001",
        ),
        (
            "within = \"0s\"",
            "it.within: expected a duration from 1s to 24h, found 0s",
        ),
        (
            "health_interval = \"99ms\"",
            "it.health_interval: expected a duration from 100ms to 1h, found 99ms",
        ),
        (
            "health_timeout = \"0s\"",
            "it.health_timeout: expected a duration from 1ms to 10m, found 0s",
        ),
        (
            "health_failures = 0",
            "it.health_failures: expected a whole number from 1 to 100, found the number 0",
        ),
        (
            "backoff = \"45s\"",
            "it.backoff: backoff 45s is longer than max_backoff 30s",
        ),
        (
            "backoff = \"0s\"",
            "it.backoff: expected a duration from 1ms to 1h, found 0s",
        ),
    ] {
        assert_supervision(bad, &[line]);
    }
}

#[test]
fn what_is_not_looked_at_is_told() {
    let group = "warning: it.group: group is not looked at where the strategy is restart";
    assert_supervision("group = \"shop\"", &[group]);
    assert_supervision("strategy = \"escalate\"\ngroup = \"shop\"", &[]);
    let all = "strategy = \"stop\"\nmax_restarts = 1\nwithin = \"5s\"\nbackoff = \"1s\"\n\
        max_backoff = \"2s\"\ngroup = \"shop\"\nhealth_interval = \"5s\"";
    let keys = ["max_restarts", "within", "backoff", "max_backoff", "group"];
    let told = keys
        .map(|key| format!("warning: it.{key}: {key} is not looked at where the strategy is stop"));
    assert_supervision(all, &told.each_ref().map(String::as_str));
    assert_supervision(
        "strategy = \"stpo\"\ngroup = \"shop\"",
        &["it.strategy: unknown strategy \"stpo\", did you mean \"stop\"?"],
    );
}

#[test]
fn an_end_after_the_server_s_own_is_told() {
    assert_supervision(
        "shutdown_timeout = \"31s\"",
        &["warning: it.shutdown_timeout: shutdown_timeout 31s is longer than drain_timeout 30s"],
    );
    assert_supervision(
        "shutdown_timeout = \"31s\"\n[server]\ndrain_timeout = \"1m\"",
        &[],
    );
    assert_supervision(
        "shutdown_timeout = \"3s\"\n[server]\ndrain_timeout = \"2s\"",
        &["warning: it.shutdown_timeout: shutdown_timeout 3s is longer than drain_timeout 2s"],
    );
}
