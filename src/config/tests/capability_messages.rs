//! What an operator reads about `[component.NAME.capabilities]`.

use super::support::assert_grants;
use super::{assert_adds, parse_in};

const TWO: &str = "[component.stock]\nsource = \"b.wasm\"";

#[test]
fn components_that_may_be_called_are_there() {
    let with = |keys: &str, expected: &[&str]| assert_grants(&format!("{keys}\n{TWO}"), expected);
    with("components = [\"stock\"]", &[]);
    with(
        "components = [\"stcok\", \"stock\"]",
        &[
            "component.a.capabilities.components[0]: unknown component \"stcok\", did you mean \"stock\"?",
        ],
    );
    with(
        "components = [\"stock\", \"stock\"]",
        &["warning: component.a.capabilities.components[1]: stock is there twice, first on line 7"],
    );
    with(
        "components = [\"stock\", \"a\"]",
        &[
            "warning: component.a.capabilities.components[1]: a may call itself: it can go round in a loop",
        ],
    );
    with(
        "components = [\"a b\"]",
        &["component.a.capabilities.components[0]: \"a b\" is not a component name"],
    );
}

#[test]
fn a_component_that_only_itself_calls_is_idle() {
    assert_adds(
        "[component.b]\nsource = \"b.wasm\"\ncapabilities = { components = [\"b\"] }",
        &[
            "warning: component.b: no route leads to this component",
            "warning: component.b.capabilities.components[0]: b may call itself: it can go round in a loop",
        ],
    );
}

#[test]
fn http_does_not_lead_to_components() {
    let with = |keys: &str, expected: &[&str]| assert_grants(&format!("{keys}\n{TWO}"), expected);
    for keys in [
        "http = [\"http://stock.internal\"]\ncomponents = [\"stock\"]",
        "http = [\"http://Stock.internal:80\"]\ncomponents = [\"stock\"]",
    ] {
        with(
            keys,
            &["component.a.capabilities.http[0]: \
            http://stock.internal can never match: calls to it stay in this process"],
        );
    }
    with(
        "http = [\"http://db.internal\"]\ncomponents = [\"stock\"]",
        &["component.a.capabilities.http[0]: \
           http://db.internal can never match: calls to it stay in this process"],
    );
    with(
        "http = [\"https://stock.internal\", \"http://stock.internal:*\"]\ncomponents = [\"stock\"]",
        &[
            "warning: component.a.capabilities.http[0]: \
             https://stock.internal leads to a server, not to the component stock",
            "warning: component.a.capabilities.http[1]: \
             http://stock.internal:* leads to a server, not to the component stock",
        ],
    );
    with(
        "http = [\"http://*.internal\"]\ncomponents = [\"stock\"]",
        &["warning: component.a.capabilities.http[0]: \
           http://*.internal grants no calls to components"],
    );
    with(
        "http = [\"http://db.prod.internal\", \"https://*.prod.internal\", \"https://db.internal\"]\n\
         sockets = [\"tcp://db.internal:5432\"]\ncomponents = [\"stock\"]",
        &[],
    );
}

#[test]
fn a_component_with_dots_in_its_name_is_called_where_it_is_granted() {
    let two = TWO.replace("component.stock", "component.\"v1.stock\"");
    assert_grants(
        &format!("http = [\"http://v1.stock.internal\"]\ncomponents = [\"v1.stock\"]\n{two}"),
        &["component.a.capabilities.http[0]: \
           http://v1.stock.internal can never match: calls to it stay in this process"],
    );
}

#[test]
fn the_right_key_for_calls_is_named() {
    let directory = super::directory();
    let help = |keys: &str| {
        let text = format!("{}[component.a.capabilities]\n{keys}\n{TWO}\n", super::BASE);
        let errors = parse_in(directory.path(), &text).unwrap_err();
        errors.iter().next().unwrap().help.clone().unwrap()
    };
    assert_eq!(
        help("http = [\"http://stock.internal\"]"),
        "write components = [\"stock\"] instead"
    );
    assert_eq!(
        help("http = [\"http://stock.internal\"]\ncomponents = [\"stock\"]"),
        "`components` grants it already: leave it out here"
    );
}

#[test]
fn names_of_variables_and_keys_can_be_used() {
    assert_grants(
        "environment = { \"\" = \"x\", \"A=B\" = \"x\", \"A\\u0000\" = \"x\", \"a b.c\" = \"x\" }",
        &["component.a.capabilities.environment: this is not the name of a variable"; 3],
    );
    assert_grants(
        "config = { \"\" = \"x\", \"A=B\" = \"x\" }",
        &["component.a.capabilities.config: this is not a key"],
    );
    assert_grants(
        "environment = { A = \"x\\u0000y\" }\nconfig = { A = \"x\\u0000y\" }",
        &[
            "component.a.capabilities.environment.A: the value has a zero in it, where guests take it to end",
        ],
    );
}

#[test]
fn values_are_texts_that_can_be_had() {
    for (value, message) in [
        ("5", "expected a text in quotes, found a number"),
        ("true", "expected a text in quotes, found true or false"),
        ("[\"x\"]", "expected a text in quotes, found an array"),
        ("{}", "`env` or `file` is missing"),
        (
            "{ env = \"TOKEN\", file = \"token\" }",
            "a value comes either from `env` or from `file`",
        ),
        ("{ value = \"x\" }", "`env` or `file` is missing"),
    ] {
        let expected = format!("component.a.capabilities.config.key: {message}");
        let lines = super::messages(&format!(
            "{}[component.a.capabilities]\nconfig = {{ key = {value} }}\n",
            super::BASE
        ));
        assert!(lines.contains(&expected), "{value}: {lines:?}");
    }
    for (source, message) in [
        ("env = \"NOT_SET\"", "env: the variable NOT_SET is not set"),
        ("env = \"BYTES\"", "env: the variable BYTES is not UTF-8"),
        (
            "file = \"none\"",
            "file: none cannot be read: No such file or directory (os error 2)",
        ),
        (
            "file = \"public\"",
            "file: public cannot be read: Is a directory (os error 21)",
        ),
        ("file = \"a\\nb\"", "file: a path has no control characters"),
    ] {
        let expected = format!("component.a.capabilities.environment.KEY.{message}");
        assert_grants(
            &format!("environment = {{ KEY = {{ {source} }} }}"),
            &[&expected],
        );
    }
    assert_grants(
        "environment = [\"KEY=x\"]",
        &["component.a.capabilities.environment: expected a table, found an array"],
    );
}

#[test]
fn files_with_values_are_short_texts() {
    let directory = super::directory();
    std::fs::write(directory.path().join("large"), "x".repeat((64 << 10) + 1)).unwrap();
    std::fs::write(directory.path().join("bytes"), [0xff]).unwrap();
    let text = format!(
        "{}[component.a.capabilities]\nconfig = {{ a = {{ file = \"large\" }}, b = {{ file = \"bytes\" }} }}\n",
        super::BASE
    );
    let errors = parse_in(directory.path(), &text).unwrap_err();
    let told: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(told, ["large is larger than 64KiB", "bytes is not UTF-8"]);
}

#[test]
fn custom_capabilities_are_those_of_the_program() {
    assert_grants(
        "custom = { mail = { to = [1, 2.5, 2026-01-01] }, queue = true }",
        &[],
    );
    assert_grants(
        "custom = { mial = 1 }",
        &[
            "component.a.capabilities.custom.mial: unknown capability \"mial\", did you mean \"mail\"?",
        ],
    );
    assert_grants(
        "custom = { mail = [inf], queue = { size = 9223372036854775808 } }",
        &[
            "component.a.capabilities.custom.mail[0]: the number inf cannot be passed on",
            "component.a.capabilities.custom.queue.size: the number 9223372036854775808 cannot be passed on",
        ],
    );
}

#[test]
fn modes_are_two_words() {
    assert_grants(
        "mode = \"audit\"",
        &["warning: component.a.capabilities.mode: \
           nothing is denied: what is not granted is only counted and logged"],
    );
    assert_grants(
        "mode = \"enforced\"",
        &["component.a.capabilities.mode: unknown mode \"enforced\", did you mean \"enforce\"?"],
    );
}
