//! What an operator reads about the file as a whole, `[server]` and `[admin]`.

use super::{BASE, assert_adds, first_lines, messages};

#[test]
fn the_format_must_be_one_that_is_known() {
    assert_eq!(
        first_lines("version = 2\n"),
        ["routes.toml:1:11  version: format 2 is not known"]
    );
    assert_eq!(
        first_lines("[server]\n"),
        ["routes.toml:1:1  `version` is missing"]
    );
    assert_eq!(
        messages("version = \"1\"\n"),
        ["version: expected a whole number from 0 to 4294967295, found the string \"1\""]
    );
}

#[test]
fn unknown_keys_are_errors_everywhere() {
    assert_adds(
        "[sever]",
        &["unknown key \"sever\", did you mean \"server\"?"],
    );
    assert_adds("[server]\nhttp3 = true", &["server: unknown key \"http3\""]);
    assert_adds(
        "[telemetry]\nsample_ratio = 0.1",
        &["telemetry: unknown key \"sample_ratio\""],
    );
    assert_adds(
        "[component.a.capabilities]\nkeyvalues = {}",
        &["component.a.capabilities: unknown key \"keyvalues\", did you mean \"keyvalue\"?"],
    );
    assert_adds(
        "[component.a.limits]\nmemroy = \"1MiB\"",
        &["component.a.limits: unknown key \"memroy\", did you mean \"memory\"?"],
    );
    assert_adds("rate_limit = {}", &["route[0]: unknown key \"rate_limit\""]);
}

#[test]
fn wrong_types_say_what_was_expected() {
    assert_adds(
        "[server]\nmax_requests = \"5\"",
        &[
            "server.max_requests: expected a whole number from 1 to 4294967295, found the string \"5\"",
        ],
    );
    assert_adds(
        "[server]\nmax_requests = 1.5",
        &[
            "server.max_requests: expected a whole number from 1 to 4294967295, found the number 1.5",
        ],
    );
    assert_adds(
        "[server]\nlisten = \"127.0.0.1:1\"",
        &["server.listen: expected an array, found the string \"127.0.0.1:1\""],
    );
    assert_adds(
        "[telemetry]\naccess_log = 1",
        &["telemetry.access_log: expected true or false, found the number 1"],
    );
    assert_adds(
        "[server.limits]\nuri = 100",
        &["server.limits.uri: expected a size in quotes, found the number 100"],
    );
    assert_eq!(
        messages("version = 1\ncomponent.b = 5\n"),
        ["component.b: expected a table, found the number 5"]
    );
    assert_eq!(
        messages("version = 1\nroute.path = \"/\"\n"),
        ["route: expected an array, found a table"]
    );
    assert_eq!(
        messages("version = 1\ncomponent = 5\n"),
        ["component: expected a table, found the number 5"]
    );
}

#[test]
fn durations_and_sizes_have_units_and_bounds() {
    assert_adds(
        "[server]\ndrain_timeout = \"5\"",
        &["server.drain_timeout: \"5\" is not a duration"],
    );
    assert_adds(
        "[server]\ndrain_timeout = \"9999h\"",
        &["server.drain_timeout: \"9999h\" is longer than a year"],
    );
    assert_adds(
        "[server.limits]\nhead_timeout = \"0s\"",
        &["server.limits.head_timeout: \"0s\" leaves no time at all"],
    );
    assert_adds(
        "[component.a.limits]\nmemory = \"1KiB\"",
        &["component.a.limits.memory: expected a size from 64KiB to 4GiB, found 1KiB"],
    );
    assert_adds(
        "[defaults.limits]\nmax_request_body = \"1KB\"",
        &["defaults.limits.max_request_body: \"1KB\" is not a size"],
    );
    assert_adds(
        "[server.limits]\nheaders = 20_000",
        &["server.limits.headers: 20000 is more than the most that works, 10000"],
    );
    assert_adds(
        "[component.a.limits]\nfuel = 0",
        &[
            "component.a.limits.fuel: expected a whole number from 1 to 9223372036854775807, found the number 0",
        ],
    );
}

#[test]
fn addresses_are_addresses() {
    assert_adds(
        "[server]\nlisten = [\"localhost:1\"]",
        &["server.listen[0]: \"localhost:1\" is not an address with a port"],
    );
    assert_adds(
        "[server]\ntrusted_proxies = [\"lan\"]",
        &["server.trusted_proxies[0]: \"lan\" is not a network"],
    );
    assert_adds(
        "[server]\nlisten = []",
        &["server.listen: nothing to listen on"],
    );
    assert_adds(
        "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]",
        &["server.listen[1]: 127.0.0.1:1 is taken by server.listen[0], on line 7"],
    );
    assert_adds(
        "[server]\nlisten = [\"127.0.0.1:9901\"]",
        &["server.listen[0]: 127.0.0.1:9901 is taken by the admin API"],
    );
}

#[test]
fn certificates_are_complete() {
    let tls = |more: &str| format!("[server.tls]\nlisten = [\"127.0.0.1:1\"]\n{more}");
    assert_adds(
        "[server.tls]",
        &[
            "server.tls: `listen` is missing",
            "server.tls: `certificate` is missing",
        ],
    );
    assert_adds(
        &tls("certificate = []"),
        &["server.tls.certificate: TLS needs at least one certificate"],
    );
    assert_adds(
        &tls("certificate = [{}]"),
        &["server.tls.certificate[0]: `cert` and `key` are missing"],
    );
    assert_adds(
        &tls("certificate = [{ key = \"tls.key\" }]"),
        &["server.tls.certificate[0]: `cert` is missing beside `key`"],
    );
    assert_adds(
        &tls("certificate = [{ cert = \"tls.crt\", self_signed = [\"a\"] }]"),
        &["server.tls.certificate[0]: a certificate is either cert and key, or self_signed"],
    );
    assert_adds(
        &tls("certificate = [{ cert = \"no.crt\", key = \"public\" }]"),
        &[
            "server.tls.certificate[0].cert: no.crt does not exist",
            "server.tls.certificate[0].key: public is a directory",
        ],
    );
    assert_adds(
        &tls("require = true\ncertificate = [{ self_signed = [\"localhost\"] }]"),
        &["server.tls.require: `require` means nothing without `client_ca`"],
    );
}

#[test]
fn the_admin_api_and_its_token() {
    assert_adds(
        "[admin]\nlisten = \"9901\"",
        &["admin.listen: \"9901\" is not an admin address"],
    );
    assert_adds(
        "[admin]\nlisten = \"0.0.0.0:9901\"",
        &[
            "warning: admin.listen: the admin API is reachable from other machines at 0.0.0.0:9901, in plain HTTP",
        ],
    );
    assert_adds(
        "[admin]\ntoken = {}",
        &["admin.token: `env` or `file` is missing"],
    );
    assert_adds(
        "[admin]\ntoken = { env = \"TOKEN\", file = \"token\" }",
        &["admin.token: a value comes either from `env` or from `file`"],
    );
    for unset in ["UNSET", "EMPTY"] {
        assert_adds(
            &format!("[admin]\ntoken = {{ env = \"{unset}\" }}"),
            &[&format!(
                "warning: admin.token.env: the variable {unset} is not set"
            )],
        );
    }
    assert_adds(
        "[admin]\ntoken = { env = \"UNUSABLE\" }",
        &["admin.token.env: the token has characters that cannot travel in a header"],
    );
    assert_adds(
        "[admin]\ntoken = { file = \"none\" }",
        &["admin.token.file: none cannot be read: No such file or directory (os error 2)"],
    );
}

#[test]
fn a_token_in_the_file_is_refused_and_not_repeated() {
    let directory = super::directory();
    let not_here = "admin.token: a token does not belong in this file";
    for (token, message) in [
        ("\"hunter2\"", not_here),
        ("[\"hunter2\"]", not_here),
        (
            "{ env = \"hunter2!\" }",
            "admin.token.env: this is not the name of an environment variable",
        ),
        (
            "{ value = \"hunter2\" }",
            "admin.token: unknown key \"value\"",
        ),
    ] {
        let text = format!("{BASE}[admin]\ntoken = {token}\n");
        let errors = super::parse_in(directory.path(), &text).unwrap_err();
        let report = errors.to_string();
        assert!(report.starts_with("routes.toml:7:"), "{report}");
        assert!(report.contains(message), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
}
