//! What the keys mean once they are right.

use std::time::Duration;

use super::{BASE, config, config_with, directory, parse_in};
use crate::config::{
    AdminListen, Certificate, HostPattern, LogFormat, PathPattern, ServerLimits, Target,
};
use crate::core::{ByteSize, Limits, Reuse, Source};

#[test]
fn a_short_file_gets_the_defaults() {
    let config = config(BASE);
    assert_eq!(config.server.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(
        (config.server.max_connections, config.server.max_requests),
        (5_000, 1_000)
    );
    assert_eq!(config.server.limits, ServerLimits::default());
    assert_eq!(
        config.admin.listen,
        Some(AdminListen::Tcp("127.0.0.1:9901".parse().unwrap()))
    );
    assert_eq!(config.admin.token, None);
    assert_eq!(
        (config.telemetry.log_format, config.telemetry.access_log),
        (LogFormat::Json, true)
    );
    let component = &config.components["a"];
    assert_eq!(
        (&component.limits, component.instances.reuse),
        (&Limits::default(), Reuse::Fresh)
    );
    assert_eq!(
        (component.versions.len(), &component.weights[..]),
        (1, &[1][..])
    );
}

#[test]
fn paths_are_relative_to_the_file() {
    let directory = directory();
    let base = std::path::absolute(directory.path()).unwrap();
    let text = format!("{BASE}[state]\ndir = \"./var/x\"\n[admin]\nlisten = \"unix:admin.sock\"\n");
    let config = parse_in(directory.path(), &text).unwrap().0;
    assert_eq!(
        config.components["a"].versions[0].source,
        Source::Path(base.join("a.wasm"))
    );
    assert_eq!(config.state_dir, base.join("var/x"));
    assert_eq!(
        config.admin.listen,
        Some(AdminListen::Unix(base.join("admin.sock")))
    );
}

#[test]
fn a_token_comes_from_a_variable_or_a_file() {
    for (token, expected) in [
        ("{ env = \"TOKEN\" }", "from-the-environment"),
        ("{ file = \"token\" }", "secret"),
    ] {
        let token = config_with(&format!("[admin]\ntoken = {token}"))
            .admin
            .token
            .unwrap();
        assert_eq!(token.expose(), expected);
    }
    assert_eq!(config_with("[admin]\nlisten = \"off\"").admin.listen, None);
}

#[test]
fn who_asks_for_tls_only_gets_no_plain_listener() {
    let config = config_with(
        "[server.tls]\nlisten = [\"127.0.0.1:8443\"]\nclient_ca = \"tls.crt\"\n\
         [[server.tls.certificate]]\nself_signed = [\"localhost\", \"::1\"]",
    );
    let tls = config.server.tls.unwrap();
    assert!(config.server.listen.is_empty());
    assert_eq!(
        tls.certificates,
        [Certificate::SelfSigned {
            names: vec!["localhost".into(), "::1".into()]
        }]
    );
    assert!(tls.client_ca.unwrap().require);
}

#[test]
fn limits_of_a_component_go_over_the_defaults() {
    let config = config_with(
        "[defaults.limits]\ntimeout = \"2s\"\nfuel = 7\nstream_timeout = \"9s\"\n\
         [component.a.limits]\nstream_timeout = \"0s\"\nmax_request_body = \"0\"\nmemory = \"1MiB\"",
    );
    let limits = &config.components["a"].limits;
    assert_eq!(
        (limits.timeout, limits.fuel),
        (Duration::from_secs(2), Some(7))
    );
    assert_eq!(
        (limits.stream_timeout, limits.max_request_body),
        (None, None)
    );
    assert_eq!(
        (limits.memory, limits.cpu),
        (ByteSize(1 << 20), Duration::from_secs(1))
    );
}

#[test]
fn reuse_is_serial_or_concurrent() {
    let reuse = |instances: &str| {
        config_with(&format!("[component.a.instances]\n{instances}")).components["a"]
            .instances
            .reuse
    };
    let many = |number: u32| number.try_into().unwrap();
    assert_eq!(reuse("reuse = 1"), Reuse::Fresh);
    assert_eq!(
        reuse("reuse = 5\nconcurrent = 1"),
        Reuse::Serial { requests: many(5) }
    );
    assert_eq!(
        reuse("reuse = 64\nconcurrent = 16"),
        Reuse::Concurrent {
            requests: many(64),
            at_once: many(16)
        }
    );
}

#[test]
fn weights_are_in_the_order_of_the_versions() {
    let weights = |traffic: &str| {
        let versions = ["1", "2", "3"]
            .map(|name| format!("{{ name = \"{name}\", source = \"a.wasm\" }}"))
            .join(", ");
        let text = format!(
            "version = 1\n[[route]]\npath = \"/\"\ncomponent = \"a\"\n[component.a]\nversions = [{versions}]\n{traffic}\n"
        );
        config(&text).components["a"].weights.clone()
    };
    assert_eq!(weights("traffic = { \"3\" = 5, \"1\" = 95 }"), [95, 0, 5]);
    assert_eq!(weights(""), [1, 0, 0]);
}

#[test]
fn routes_keep_their_order_and_get_names() {
    let config = config_with(
        "[[route]]\npath = \"/a/{id}\"\nrespond = {}\n[[route]]\nprefix = \"/a\"\nrespond = {}\n\
         [[route]]\nprefix = \"/\"\nfiles = { dir = \"public\" }\n[[route]]\nname = \"a-2\"\npath = \"/z\"\nrespond = {}",
    );
    let names: Vec<_> = config
        .routes
        .iter()
        .map(|route| route.name.as_str())
        .collect();
    assert_eq!(names, ["a", "a-id", "a-3", "root", "a-2"]);
    assert_eq!(
        config.routes[1].path,
        PathPattern::Pattern("/a/{id}".into())
    );
    assert!(
        matches!(&config.routes[3].target, Target::Files(files) if files.index == "index.html")
    );
}

#[test]
fn a_route_has_all_that_was_written() {
    let config = config_with(
        "[[route]]\nprefix = \"/x\"\nhosts = [\"A.b\", \"*.c.d\"]\nmethods = [\"GET\", \"GET\", \"PURGE\"]\n\
         headers = { x-v = \"2\" }\ncomponent = \"a\"\nstrip_prefix = \"/x\"\n\
         request_headers = { set = { x-edge = \"1\" }, remove = [\"x-old\"] }\n\
         response_headers = { set = { set-cookie = \"a=b\" } }",
    );
    let route = &config.routes[1];
    assert_eq!(
        route.hosts,
        [
            HostPattern::Exact("a.b".into()),
            HostPattern::Wildcard(".c.d".into())
        ]
    );
    assert_eq!(
        route
            .methods
            .iter()
            .map(http::Method::as_str)
            .collect::<Vec<_>>(),
        ["GET", "PURGE"]
    );
    assert_eq!(
        (route.headers.len(), route.strip_prefix.as_deref()),
        (1, Some("/x"))
    );
    assert_eq!(
        (
            route.request_headers.set.len(),
            route.request_headers.remove.len()
        ),
        (1, 1)
    );
    assert_eq!(route.response_headers.set[0].0, "set-cookie");
}

#[test]
fn ten_thousand_routes_are_taken() {
    let route = |number| format!("[[route]]\npath = \"/r{number}/{{id}}\"\ncomponent = \"a\"\n");
    let text = format!("{BASE}{}", (0..10_000).map(route).collect::<String>());
    assert_eq!(config(&text).routes.len(), 10_001);
}
