//! What an operator reads about `[[admin.tokens]]`, and the hosts of the admin API.

use super::support::diagnostics;
use super::{BASE, assert_adds, config_with, directory, parse_in};

fn token(name: &str, role: &str, token: &str) -> String {
    format!("[[admin.tokens]]\nname = {name:?}\nrole = {role:?}\ntoken = {token}\n")
}

const FROM_VARIABLE: &str = "{ env = \"TOKEN\" }";
const FROM_FILE: &str = "{ file = \"token\" }";

#[test]
fn a_token_that_was_asked_for_is_there() {
    let with = |source: &str| token("ci", "deploy", source);
    assert_adds(
        &with("{ env = \"UNSET\" }"),
        &["admin.tokens[0].token.env: the variable UNSET is not set"],
    );
    assert_adds(
        &with("{ env = \"EMPTY\" }"),
        &["admin.tokens[0].token.env: the token is empty"],
    );
    assert_adds(
        &with("{ env = \"UNUSABLE\" }"),
        &["admin.tokens[0].token.env: the token has characters that cannot travel in a header"],
    );
    assert_adds(
        &with("{ env = \"BYTES\" }"),
        &["admin.tokens[0].token.env: the variable BYTES is not UTF-8"],
    );
    assert_adds(
        &with("{ file = \"none\" }"),
        &[
            "admin.tokens[0].token.file: none cannot be read: No such file or directory (os error 2)",
        ],
    );
    assert_adds(
        "[[admin.tokens]]",
        &[
            "admin.tokens[0]: `name` is missing",
            "admin.tokens[0]: `role` is missing",
            "admin.tokens[0]: `token` is missing",
        ],
    );
}

#[test]
fn tokens_have_names_and_roles_of_their_own() {
    let both = |one: &str, other: &str| {
        let first = token(one, "read", FROM_VARIABLE);
        format!("{first}{}", token(other, "read", FROM_FILE))
    };
    assert_adds(
        &both("ci", "CI"),
        &["admin.tokens[1].name: token \"CI\" is there twice, first on line 7"],
    );
    assert_adds(&both("ci", "ci-2"), &[]);
    for name in ["admin", "Configuration", "analysis"] {
        let message =
            format!("admin.tokens[0].name: {name:?} is the gateway's own name for somebody else");
        assert_adds(&token(name, "read", FROM_FILE), &[&message]);
    }
    assert_adds(
        &token("my ci", "read", FROM_FILE),
        &["admin.tokens[0].name: \"my ci\" is not the name of a token"],
    );
    assert_adds(
        &token("ci", "deplo", FROM_FILE),
        &["admin.tokens[0].role: unknown role \"deplo\", did you mean \"deploy\"?"],
    );
}

#[test]
fn no_two_tokens_are_equal() {
    let twice = token("a", "read", FROM_FILE) + &token("b", "admin", FROM_FILE);
    assert_adds(
        &twice,
        &["admin.tokens[1].token.file: this is the token of line 9 too"],
    );
    assert_adds(
        &format!(
            "[admin]\ntoken = {FROM_FILE}\n{}",
            token("a", "read", FROM_FILE)
        ),
        &["admin.tokens[0].token.file: this is the token of line 7 too"],
    );
}

#[test]
fn the_report_of_an_equal_token_shows_where_the_other_is_and_neither() {
    let directory = directory();
    let text = format!(
        "{BASE}{}{}",
        token("a", "read", FROM_FILE),
        token("b", "admin", FROM_FILE)
    );
    let errors = parse_in(directory.path(), &text).unwrap_err();
    let expected = "\
routes.toml:13:18  admin.tokens[1].token.file: this is the token of line 9 too
   |
13 | token = { file = \"token\" }
   |                  ^^^^^^^
   |
  ::: 
 9 | token = { file = \"token\" }
   |                  ------- the same token
   |
   = help: nobody could tell who has it: give each a token of its own";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn tokens_in_the_file_are_refused_and_not_repeated() {
    let directory = directory();
    for tokens in [
        "tokens = \"hunter2\"",
        "tokens = [\"hunter2\"]",
        "tokens = [{ name = \"ci\", role = \"read\", token = \"hunter2\" }]",
        "tokens = [{ name = \"ci\", role = \"read\", tokn = \"hunter2\" }]",
        "tokens = [{ name = \"ci\", role = \"red\", token = [\"hunter2\"] }, \"hunter2\"]",
        "tokens = [{ name = \"ci\", role = \"red\", token = { env = \"hunter2!\" } }]",
        "tokens = { ci = \"hunter2\" }",
        "tokens = [{ name = \"ci\", token = \"hunter2",
    ] {
        let text = format!("{BASE}[admin]\n{tokens}\n");
        let report = diagnostics(directory.path(), &text).to_string();
        assert!(report.starts_with("routes.toml:7:"), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
}

#[test]
fn hosts_are_named_in_full() {
    let hosts = |text: &str| config_with(&format!("[admin]\nhosts = {text}")).admin.hosts;
    assert_eq!(
        hosts(
            "[\"Admin.example.com:9901\", \"admin.example.com\", \"[2001:DB8::1]:80\", \"192.0.2.1\"]"
        ),
        ["admin.example.com", "[2001:db8::1]", "192.0.2.1"]
    );
    for (host, message) in [
        ("*", "\"*\" is not a host"),
        ("*.example.com", "\"*.example.com\" is not a host"),
        ("http://a", "\"http://a\" is not a host"),
        ("a:b", "\"a:b\" is not a host"),
        ("a/b", "\"a/b\" is not a host"),
        ("", "\"\" is not a host"),
    ] {
        assert_adds(
            &format!("[admin]\nhosts = [{host:?}]"),
            &[&format!("admin.hosts[0]: {message}")],
        );
    }
}
