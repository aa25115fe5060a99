//! What an operator reads about actors.

use super::assert_adds;

/// What is wrong with these instances.
#[track_caller]
fn assert_instances(keys: &str, expected: &[&str]) {
    let expected = expected
        .iter()
        .map(|line| line.replace("it.", "component.a.instances."));
    let expected: Vec<_> = expected.collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    assert_adds(&format!("[component.a.instances]\n{keys}"), &expected);
}

#[test]
fn an_actor_is_no_pool() {
    assert_instances("actor = true", &[]);
    assert_instances(
        "actor = true\nreuse = 1\nconcurrent = 4\nready = 1",
        &[
            "it.reuse: reuse and an actor exclude each other",
            "it.concurrent: concurrent and an actor exclude each other",
            "it.ready: ready and an actor exclude each other",
        ],
    );
}

#[test]
fn what_only_keyed_actors_have_is_told() {
    let single = "an actor without key is one instance that stays";
    assert_instances(
        "actor = true\nmax = 4\nidle_timeout = \"1m\"",
        &[
            &format!("warning: it.max: max has no effect: {single}"),
            &format!("warning: it.idle_timeout: idle_timeout has no effect: {single}"),
        ],
    );
    assert_instances(
        "actor = true\nmax = 4\nidle_timeout = \"1m\"\nkey = { field = \"user\" }",
        &[],
    );
}

#[test]
fn keys_and_mailboxes_are_for_actors() {
    assert_instances(
        "key = { header = \"x\" }\nmailbox = 5",
        &[
            "it.key: key is for actors only",
            "it.mailbox: mailbox is for actors only",
        ],
    );
    assert_instances(
        "actor = false\nmailbox = 5",
        &["it.mailbox: mailbox is for actors only"],
    );
    assert_instances(
        "actor = 1\nmailbox = 5\nready = 1",
        &["it.actor: expected true or false, found the number 1"],
    );
    assert_instances(
        "actor = true\nmailbox = 1_000_001",
        &["it.mailbox: expected a whole number from 1 to 1000000, found the number 1000001"],
    );
}

#[test]
fn a_key_is_in_one_place() {
    let key = |key: &str, expected: &[&str]| {
        assert_instances(&format!("actor = true\nkey = {key}"), expected);
    };
    key("{ header = \"X-User-Id\" }", &[]);
    key("{}", &["it.key: nothing says where the key is"]);
    key(
        "{ header = \"x\", field = \"y\" }",
        &["it.key: a key is in one place, found header and field"],
    );
    key(
        "{ header = \"connection\" }",
        &["it.key.header: \"connection\" belongs to the connection, not to the client"],
    );
    key(
        "{ field = \"\" }",
        &["it.key.field: \"\" is not the name of a field"],
    );
    key(
        "{ feild = \"a\" }",
        &[
            "it.key: nothing says where the key is",
            "it.key: unknown key \"feild\", did you mean \"field\"?",
        ],
    );
    key(
        "\"x-user-id\"",
        &["it.key: expected a table, found the string \"x-user-id\""],
    );
}

#[test]
fn one_instance_handles_one_message() {
    let told = "warning: component.a.subscribe[0].concurrency: \
        an actor without key handles one message at a time: this has no effect";
    let with = |key: &str, concurrency: &str, expected: &[&str]| {
        assert_adds(
            &format!(
                "[component.a.instances]\nactor = true\n{key}\n\
                 [[component.a.subscribe]]\ntopic = \"t\"\n{concurrency}"
            ),
            expected,
        );
    };
    with("", "concurrency = 4", &[told]);
    with("", "concurrency = 1", &[]);
    with("", "", &[]);
    with("key = { header = \"x\" }", "concurrency = 4", &[]);
}
