//! What an operator reads about affinity, rollouts and mirrors.

use super::{BASE, assert_adds, first_lines};

#[track_caller]
fn assert_rollout(keys: &str, expected: &[&str]) {
    assert_adds(&format!("[component.a.rollout]\n{keys}"), expected);
}

#[test]
fn a_step_out_of_order_is_reported_where_it_stands() {
    let steps = |steps: &str| {
        let keys = format!("strategy = \"canary\"\nsteps = {steps}\n");
        first_lines(&format!("{BASE}[component.a.rollout]\n{keys}"))
    };
    assert_eq!(
        steps("[5, 50, 25]"),
        ["routes.toml:8:17  component.a.rollout.steps[2]: a step out of order: 25 follows 50"]
    );
    assert_eq!(
        steps("[5, 5]"),
        ["routes.toml:8:13  component.a.rollout.steps[1]: a step out of order: 5 follows 5"]
    );
    let wrong = "expected a whole number from 1 to 99, found the number";
    assert_eq!(
        steps("[0, 100]"),
        [
            format!("routes.toml:8:10  component.a.rollout.steps[0]: {wrong} 0"),
            format!("routes.toml:8:13  component.a.rollout.steps[1]: {wrong} 100"),
        ]
    );
    assert_eq!(
        steps("[]"),
        ["routes.toml:8:9  component.a.rollout.steps: an empty list has no step"]
    );
    let many = format!("[{}]", ["1"; 101].join(", "));
    assert_eq!(
        steps(&many),
        ["routes.toml:8:9  component.a.rollout.steps: 101 steps are more than 100"]
    );
}

#[test]
fn steps_are_for_strategies_that_have_some() {
    assert_rollout("strategy = \"rolling\"\nsteps = [50]", &[]);
    let useless = "component.a.rollout.steps: steps have no effect";
    assert_rollout(
        "strategy = \"blue-green\"\nsteps = [50]",
        &[&format!("{useless}: blue-green gives all traffic at once")],
    );
    assert_rollout(
        "steps = [50]",
        &[&format!("{useless}: immediate gives all traffic at once")],
    );
    assert_rollout(
        "strategy = \"canry\"\nsteps = [50]\ninterval = \"1s\"",
        &["component.a.rollout.strategy: unknown strategy \"canry\", did you mean \"canary\"?"],
    );
}

#[test]
fn what_is_not_looked_at_is_told() {
    let keys = "interval = \"5s\"\nmin_requests = 5\nmax_error_rate = 0\nmax_p99_ratio = 2\n\
        on_inconclusive = \"hold\"\ncheck = { url = \"http://127.0.0.1/\" }";
    let told = |keys: &[&str], strategy: &str| {
        let each = keys.iter().map(|key| {
            format!(
                "warning: component.a.rollout.{key}: {key} is not looked at where the strategy is {strategy}"
            )
        });
        each.collect::<Vec<_>>()
    };
    let all = [
        "interval",
        "min_requests",
        "max_error_rate",
        "max_p99_ratio",
        "on_inconclusive",
        "check",
    ];
    for (strategy, ignored) in [
        ("canary", &[][..]),
        ("blue-green", &[]),
        ("rolling", &all[1..]),
        ("immediate", &all[..]),
    ] {
        let expected = told(ignored, strategy);
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        assert_rollout(&format!("strategy = {strategy:?}\n{keys}"), &expected);
    }
}

#[test]
fn numbers_of_a_rollout_have_bounds() {
    let canary = |key: &str, message: &str| {
        let message = format!("component.a.rollout.{message}");
        assert_rollout(&format!("strategy = \"canary\"\n{key}"), &[&message]);
    };
    let share = "max_error_rate: expected a number from 0 to 1, found";
    for (value, found) in [
        ("1.5", "the number 1.5"),
        ("2", "the number 2"),
        ("-0.1", "the number -0.1"),
        ("nan", "the number nan"),
        ("inf", "the number inf"),
        ("99999999999", "the number 99999999999"),
        ("\"1%\"", "the string \"1%\""),
    ] {
        canary(
            &format!("max_error_rate = {value}"),
            &format!("{share} {found}"),
        );
    }
    let ratio = "max_p99_ratio: expected a number from 1 to 1000, found the number";
    for value in ["0.99", "0", "1000.5"] {
        canary(
            &format!("max_p99_ratio = {value}"),
            &format!("{ratio} {value}"),
        );
    }
    canary(
        "min_requests = 0",
        "min_requests: expected a whole number from 1 to 9223372036854775807, found the number 0",
    );
    let interval = "interval: expected a duration from 100ms to 24h, found";
    canary("interval = \"99ms\"", &format!("{interval} 99ms"));
    canary("interval = \"25h\"", &format!("{interval} 25h"));
    canary(
        "on_inconclusive = \"wait\"",
        "on_inconclusive: unknown answer \"wait\"",
    );
    assert_rollout(
        "min_request = 5",
        &["component.a.rollout: unknown key \"min_request\", did you mean \"min_requests\"?"],
    );
}

#[test]
fn a_check_asks_a_url() {
    let check = |check: &str, message: &str| {
        let message = format!("component.a.rollout.check{message}");
        assert_rollout(
            &format!("strategy = \"canary\"\ncheck = {check}"),
            &[&message],
        );
    };
    check("{}", ": `url` is missing");
    check(
        "{ url = \"127.0.0.1:9000\" }",
        ".url: a URL starts with http:// or https://",
    );
    check(
        "{ url = \"http://:9000/\" }",
        ".url: behind :// stands no host",
    );
    check(
        "{ url = \"http://me:pw@127.0.0.1/\" }",
        ".url: a name or password does not belong in this file",
    );
    check(
        "{ url = \"http://127.0.0.1/\", timeout = \"0s\" }",
        ".timeout: expected a duration from 1ms to 10m, found 0s",
    );
}

#[test]
fn a_client_is_known_by_one_thing() {
    let affinity = |keys: &str, expected: &[&str]| {
        assert_adds(&format!("[component.a.affinity]\n{keys}"), expected);
    };
    affinity(
        "",
        &["component.a.affinity: nothing says by what a client is known"],
    );
    affinity(
        "header = \"x-user-id\"\nclient_ip = true",
        &["component.a.affinity: a client is known by one thing, found header and client_ip"],
    );
    affinity(
        "client_ip = false",
        &["component.a.affinity.client_ip: `client_ip = false` means nothing"],
    );
    affinity(
        "header = \"te\"",
        &["component.a.affinity.header: \"te\" belongs to the connection, not to the client"],
    );
    for cookie in ["", "a b", "a=b", "a;b", "\u{e4}"] {
        affinity(
            &format!("cookie = {cookie:?}"),
            &[&format!(
                "component.a.affinity.cookie: {cookie:?} is not the name of a cookie"
            )],
        );
    }
}

#[test]
fn a_mirror_is_another_component() {
    let mirror = |mirror: &str, expected: &[&str]| {
        let more =
            format!("[component.b]\nsource = \"b.wasm\"\n[[route]]\npath = \"/b\"\n{mirror}");
        assert_adds(&more, expected);
    };
    let to_a = "component = \"a\"\nmirror";
    mirror(
        &format!("{to_a} = {{ component = \"b\", percent = 1 }}"),
        &[],
    );
    mirror(
        &format!("{to_a} = {{ component = \"bb\", percent = 1 }}"),
        &["route[1].mirror.component: unknown component \"bb\", did you mean \"b\"?"],
    );
    mirror(
        "component = \"b\"\nmirror = { component = \"b\", percent = 100 }",
        &["route[1].mirror.component: b would get each of these requests twice"],
    );
    mirror(
        "component = \"b\"\nmirror = { component = \"a\", percent = 101 }",
        &["route[1].mirror.percent: expected a whole number from 1 to 100, found the number 101"],
    );
    mirror(
        "component = \"b\"\nmirror = {}",
        &[
            "route[1].mirror: `component` is missing",
            "route[1].mirror: `percent` is missing",
        ],
    );
    mirror(
        "respond = {}\nmirror = { component = \"b\", percent = 1 }",
        &["route[1].mirror: only what goes to a component can be mirrored"],
    );
}

#[test]
fn kept_versions_have_bounds() {
    assert_adds(
        "[state]\nkeep_versions = 0",
        &["state.keep_versions: expected a whole number from 1 to 4294967295, found the number 0"],
    );
    assert_adds(
        "[state]\nkeep_versions = 101",
        &["state.keep_versions: 101 is more than the most that works, 100"],
    );
}
