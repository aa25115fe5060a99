//! What may be secret is never repeated, wherever the mistake is.

use std::path::Path;

use super::support::diagnostics;
use super::{BASE, directory, parse_in};
use crate::config::{LoadError, load};

const SECRET: &str = "hunter2";

/// The report about `BASE` with more behind it, which must not show the secret, nor must anything
/// else that might be printed.
#[track_caller]
fn report(more: &str) -> String {
    let directory = directory();
    let text = format!("{BASE}{more}\n");
    let report = shown(directory.path(), &text);
    assert!(!report.is_empty(), "{more}");
    assert!(!report.contains(SECRET), "{text}{report}");
    report
}

fn shown(directory: &Path, text: &str) -> String {
    let diagnostics = diagnostics(directory, text);
    if diagnostics.is_empty() {
        return String::new();
    }
    let (colored, json) = (diagnostics.colored(), serde_json::to_string(&diagnostics));
    format!(
        "{diagnostics}\n{colored}\n{diagnostics:?}\n{}",
        json.unwrap()
    )
}

#[test]
fn a_mistake_beside_a_secret_is_shown_without_it() {
    let report =
        report("[component.a.capabilities]\nhtp = []\nconfig = { key = \"hunter2\", other = 5 }");
    let expected = "\
routes.toml:8:37  component.a.capabilities.config.other: expected a text in quotes, found a number
  |
8 | config = { key = …, other = … }
  |                             ^
  |
  = help: or write { env = \"NAME\" } or { file = \"path\" }";
    assert!(report.contains(expected), "{report}");
}

#[test]
fn secrets_in_the_wrong_place_are_not_repeated() {
    for more in [
        "config = \"hunter2\"",
        "config = [\"hunter2\"]",
        "config = { key = [\"hunter2\"] }",
        "config = { key = { env = \"hunter2!\" } }",
        "config = { key = { env = [\"hunter2\"] } }",
        "config = { key = { value = \"hunter2\" } }",
        "config = { key = { file = \"-----BEGIN\\nhunter2\" } }",
        "config = { key = { file = \"\"\"-----BEGIN\nhunter2\"\"\" } }",
        "config.key.value = \"hunter2\"",
        "environment = [\"KEY=hunter2\"]",
        "environment = { \"KEY=hunter2\" = \"\" }",
        "environment = { \"KEY=hunter2\" = 5 }",
        "environment = { \"KEY=hunter2\" = { env = 5 } }",
        "environmnt = { KEY = \"hunter2\" }",
        "http = [\"https://me:hunter2@example.com\"]",
        "http = [\"https://hooks.example.com/hunter2\"]",
        "http = [\"https://hooks.example.com:443/hunter2\"]",
        "sockets = [\"tcp://hooks.example.com:443/hunter2\"]",
        "custom = { other = { key = \"hunter2\" } }",
        "custom = { mail = [inf, \"hunter2\"] }",
        "publish = { key = \"hunter2\" }",
        "publsh = { key = \"hunter2\" }",
        "clocks = { key = \"hunter2\" }",
        "mode = { key = \"hunter2\" }",
        "keyvalue = { config = { key = \"hunter2\" } }",
        "files = [{ source = \"none\", at = \"/d\", key = \"hunter2\" }]",
    ] {
        report(&format!("[component.a.capabilities]\n{more}"));
    }
    report("[component.b]\nconfig = { key = \"hunter2\" }");
    report("[component.b.capabilites.config]\nkey = \"hunter2\"");
    report("[admin]\ntokn = \"hunter2\"");
}

#[test]
fn secrets_below_the_header_of_another_table_are_not_repeated() {
    for header in [
        "[storage]",
        "[storage.default]",
        "[bus]",
        "[component.a.traffic]",
        "[component.a.instances.key]",
        "[component.a.supervision]",
        "[[component.a.subscribe]]",
        "[component.a.capabilities.keyvalue]",
        "[component.a.capabilities.publish]",
        "[route.headers]",
        "[route.request]",
    ] {
        report(&format!("{header}\nconfig = {{ key = \"hunter2\" }}"));
    }
    report("[component.a.rollout]\nmax_p99_ratio = { key = \"hunter2\" }");
    report("[component.a.supervision]\nmax_restarts = { key = \"hunter2\" }");
}

#[test]
fn a_number_where_a_text_should_be_is_not_repeated() {
    let report = report("[component.a.capabilities]\nconfig = { pin = 918273 }");
    assert!(!report.contains("918273"), "{report}");
}

#[test]
fn errors_of_syntax_do_not_repeat_a_secret() {
    for more in [
        "[component.a.capabilities.config]\nkey = \"hunter2",
        "[component.a.capabilities.config]\nkey = hunter2",
        "[component.a.capabilities.config]\nkey = \"hunter2\" \"",
        "[component.a.capabilities.config]\nkey = \"1\"\nkey = \"hunter2\"",
        "[component.a.capabilities.config]\nkey = \"hunter2\" # cut",
        "[component.a.capabilities.config\nkey = \"hunter2\"",
        "[component.a.capabilities]\nconfig = { key = \"hunter2\"",
        "[component.a.capabilities]\nconfig.key = '''\nhunter2",
        "[admin]\ntoken = \"hunter2",
        "[admin.token]\nenv = \"hunter2",
    ] {
        let directory = directory();
        let text = format!("{BASE}{more}");
        let errors = parse_in(directory.path(), &text).unwrap_err().to_string();
        assert!(!errors.contains(SECRET), "{text}\n{errors}");
    }
}

#[test]
fn a_secret_in_a_long_table_is_not_repeated_either() {
    let many: String = (0..1_000).map(|n| format!("key{n} = \"x\"\n")).collect();
    report(&format!(
        "[component.a.capabilities.config]\n{many}last = hunter2"
    ));
}

#[test]
fn other_errors_of_syntax_are_shown_with_their_line() {
    let report = report("[server]\nlisten = [\"127.0.0.1:1\"\nmax_requests = 5");
    assert!(report.contains("8 | max_requests = 5"), "{report}");
}

#[test]
fn no_letter_amiss_gives_a_secret_away() {
    let text = format!(
        "{BASE}[component.a.capabilities]\nhttp = [\"https://a.example.com\"]\n\
         config = {{ one = \"hunter2\", two = {{ env = \"TOKEN\" }} }}\n\
         [component.a.capabilities.environment]\nA = \"hunter2\"\n[admin]\nlisten = \"off\"\n"
    );
    let directory = directory();
    let untouched = |damaged: &str| damaged.matches(SECRET).count() == 2;
    for at in 0..text.len() {
        for with in ["", "x", "\"", "=", "\n", "[", "]", " "] {
            let damaged = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            let report = shown(directory.path(), &damaged);
            assert!(
                !untouched(&damaged) || !report.contains(SECRET),
                "{damaged}\n{report}"
            );
        }
    }
}

#[test]
fn what_is_printed_of_a_configuration_holds_no_secret() {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    let more = "[component.a.capabilities]\nconfig = { key = \"hunter2\", file = { file = \"token\" } }\n\
                environment = { KEY = \"hunter2\" }\n";
    std::fs::write(&file, format!("{BASE}{more}")).unwrap();
    let (config, warnings) = load(&file).unwrap();
    let printed = format!("{config:?} {warnings:?}");
    assert!(
        !printed.contains(SECRET) && !printed.contains("secret"),
        "{printed}"
    );
    std::fs::write(&file, format!("{BASE}{more}colour = 1\n")).unwrap();
    let error: LoadError = load(&file).unwrap_err();
    assert!(!format!("{error:?} {error}").contains(SECRET));
}
