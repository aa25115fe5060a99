//! What an operator reads about `[[route]]`.

use super::{BASE, messages};

/// One route with these keys, above `BASE`.
fn route(keys: &str) -> Vec<String> {
    let all = messages(&format!("{BASE}[[route]]\n{keys}\n"));
    all.into_iter()
        .map(|line| line.replace("route[1]", "it"))
        .collect()
}

#[test]
fn a_route_has_one_path_and_one_answer() {
    assert_eq!(route("respond = {}"), ["it: `path` or `prefix` is missing"]);
    assert_eq!(
        route("path = \"/x\"\nprefix = \"/x\"\nrespond = {}"),
        ["it: a route has either a `path` or a `prefix`"]
    );
    assert_eq!(route("path = \"/x\""), ["it: nothing answers this route"]);
    assert_eq!(
        route("path = \"/x\"\ncomponent = \"a\"\nrespond = {}"),
        ["it: only one can answer a route, found component and respond"]
    );
    assert_eq!(
        route("path = \"/x\"\ncomponent = \"b\""),
        ["it.component: unknown component \"b\""]
    );
    assert_eq!(
        route("path = \"/x\"\nfiles = { dir = \"none\" }"),
        ["it.files.dir: none does not exist"]
    );
    assert_eq!(
        route("path = \"/x\"\nfiles = { dir = \"token\" }"),
        ["it.files.dir: token is not a directory"]
    );
    assert_eq!(
        route("path = \"/x\"\nfiles = { dir = \"public\", index = \"../x\" }"),
        ["it.files.index: \"../x\" is not a file name"]
    );
    assert_eq!(
        route("path = \"/x\"\nrespond = { status = 204, body = \"x\" }"),
        ["it.respond.body: an answer with status 204 has no body"]
    );
}

#[test]
fn paths_are_in_their_normal_form() {
    let path = |text: &str| route(&format!("path = {text:?}\nrespond = {{}}"));
    let normal = |text: &str, normal: &str| {
        format!("it.path: {text:?} is not in its normal form, write {normal:?}")
    };
    for (text, form) in [
        ("/%2e/a", "/a"),
        ("/a/../b", "/b"),
        ("//a", "/a"),
        ("/%c3", "/%C3"),
        ("/a b", "/a%20b"),
    ] {
        assert_eq!(path(text), [normal(text, form)]);
    }
    assert_eq!(path("a"), ["it.path: \"a\" is not a path"]);
    assert_eq!(
        path("/a?b=1"),
        ["it.path: \"?b=1\" is no part of a path, write \"/a\""]
    );
    assert_eq!(
        path("/a#b"),
        ["it.path: \"#b\" is no part of a path, write \"/a\""]
    );
    assert_eq!(path("/%zz"), ["it.path: \"/%zz\" is not a path"]);
    assert_eq!(
        path("/{a}{b}"),
        ["it.path: \"/{a}{b}\" is not a path pattern"]
    );
    let prefix = |text: &str| route(&format!("prefix = {text:?}\nrespond = {{}}"));
    assert_eq!(
        prefix("/api/"),
        ["it.prefix: a prefix does not end in a slash, write \"/api\""]
    );
    assert_eq!(prefix("/{a}"), ["it.prefix: a prefix has no parameters"]);
}

#[test]
fn what_is_stripped_is_in_front() {
    let strip = |path: &str, strip: &str| {
        route(&format!(
            "{path}\ncomponent = \"a\"\nstrip_prefix = {strip:?}"
        ))
    };
    for good in [
        "path = \"/api/{id}\"",
        "prefix = \"/api\"",
        "path = \"/api\"",
        "path = \"/api/{*all}\"",
    ] {
        assert_eq!(strip(good, "/api"), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "path = \"/apis\"",
        "path = \"/{a}\"",
        "path = \"/api{a}\"",
        "prefix = \"/\"",
    ] {
        let told = strip(bad, "/api");
        assert!(
            told.len() == 1 && told[0].ends_with("does not begin with \"/api\""),
            "{bad} {told:?}"
        );
    }
    assert_eq!(
        strip("path = \"/a/b\"", "/a/"),
        ["it.strip_prefix: a prefix does not end in a slash, write \"/a\""]
    );
    assert_eq!(
        strip("path = \"/b\"", "/"),
        ["it.strip_prefix: there is nothing to strip from \"/\""]
    );
    assert_eq!(
        route("path = \"/x/y\"\nrespond = {}\nstrip_prefix = \"/x\""),
        [
            "warning: it.strip_prefix: a fixed answer does not look at the request: this has no effect"
        ]
    );
}

#[test]
fn hosts_and_methods_could_match() {
    let with = |keys: &str| route(&format!("path = \"/x\"\nrespond = {{}}\n{keys}"));
    assert_eq!(
        with("hosts = [\"a.com:80\"]"),
        ["it.hosts[0]: \"a.com:80\" is not a host"]
    );
    assert_eq!(
        with("hosts = []"),
        ["it.hosts: an empty list allows no host"]
    );
    assert_eq!(
        with("methods = [\"get\"]"),
        ["it.methods[0]: unknown method \"get\", did you mean \"GET\"?"]
    );
    assert_eq!(
        with("methods = [\"G T\"]"),
        ["it.methods[0]: \"G T\" is not a method"]
    );
    assert_eq!(
        with("methods = [\"CONNECT\"]"),
        ["it.methods[0]: CONNECT names no path that a route could match"]
    );
}

#[test]
fn headers_are_headers_and_leave_framing_alone() {
    let with = |keys: &str| route(&format!("path = \"/x\"\ncomponent = \"a\"\n{keys}"));
    assert_eq!(
        with("headers = { \"x y\" = \"1\" }"),
        ["it.headers.\"x y\": \"x y\" is not a header name"]
    );
    assert_eq!(
        with("headers = { x = \" 1\" }"),
        ["it.headers.x: \" 1\" is not a header value"]
    );
    assert_eq!(
        with("headers = { x = \"1\", X = \"2\" }"),
        ["it.headers.X: \"x\" is there twice: case does not count"]
    );
    assert_eq!(
        with("headers = { host = \"a\" }"),
        ["it.headers.host: the host is matched with `hosts`"]
    );
    assert_eq!(
        with("request_headers = { set = { Connection = \"close\" } }"),
        [
            "it.request_headers.set.Connection: \"connection\" cannot be changed: it belongs to the connection, \
         not to the message"
        ]
    );
    assert_eq!(
        with("response_headers = { remove = [\"content-length\"] }"),
        [
            "it.response_headers.remove[0]: \"content-length\" cannot be changed: it follows from the body"
        ]
    );
    assert_eq!(
        with("request_headers = { set = { host = \"a\" } }"),
        [
            "it.request_headers.set.host: \"host\" cannot be changed: it decides which route is taken and is checked before"
        ]
    );
}

#[test]
fn names_of_routes_differ() {
    let two = "name = \"n\"\npath = \"/x\"\nrespond = {}\n[[route]]\nname = \"n\"\npath = \"/y\"\nrespond = {}";
    assert_eq!(
        route(two),
        ["route[2].name: route name \"n\" is there twice, first on line 7"]
    );
    assert_eq!(
        route("name = \" \"\npath = \"/x\"\nrespond = {}"),
        ["it.name: \" \" is not a route name"]
    );
}

/// Whether two routes with these keys conflict.
fn conflict(one: &str, other: &str) -> bool {
    let text = format!(
        "version = 1\n[[route]]\nrespond = {{}}\n{one}\n[[route]]\nrespond = {{}}\n{other}\n"
    );
    match &messages(&text)[..] {
        [] => false,
        [only] if only.contains(" cannot be told apart from route[0], first defined on line 2") => {
            true
        }
        others => panic!("{others:?}"),
    }
}

#[test]
fn routes_that_no_request_can_tell_apart_are_refused() {
    for (one, other) in [
        ("path = \"/a\"", "path = \"/a\""),
        ("path = \"/{a}\"", "path = \"/{b}\""),
        ("path = \"/x/{*a}\"", "path = \"/x/{*b}\""),
        ("prefix = \"/\"", "prefix = \"/\""),
        (
            "path = \"/a\"\nhosts = [\"a.b\", \"c.d\"]",
            "path = \"/a\"\nhosts = [\"C.D\"]",
        ),
        ("path = \"/a\"\nmethods = [\"GET\"]", "path = \"/a\""),
        (
            "path = \"/a\"\nmethods = [\"GET\"]",
            "path = \"/a\"\nmethods = [\"HEAD\", \"PUT\"]",
        ),
        (
            "path = \"/a\"\nheaders = { x = \"1\", y = \"2\" }",
            "path = \"/a\"\nheaders = { Y = \"2\", X = \"1\" }",
        ),
    ] {
        assert!(conflict(one, other), "{one} | {other}");
        assert!(conflict(other, one), "{other} | {one}");
    }
}

#[test]
fn routes_that_differ_in_anything_are_taken() {
    for (one, other) in [
        ("path = \"/a\"", "path = \"/b\""),
        ("path = \"/a\"", "prefix = \"/a\""),
        ("path = \"/a\"", "path = \"/{a}\""),
        ("path = \"/a\"", "path = \"/a\"\nhosts = [\"a.b\"]"),
        (
            "path = \"/a\"\nhosts = [\"*.b\"]",
            "path = \"/a\"\nhosts = [\"a.b\"]",
        ),
        (
            "path = \"/a\"\nmethods = [\"GET\"]",
            "path = \"/a\"\nmethods = [\"POST\"]",
        ),
        (
            "path = \"/a\"\nheaders = { x = \"1\" }",
            "path = \"/a\"\nheaders = { x = \"2\" }",
        ),
        ("path = \"/a\"\nheaders = { x = \"1\" }", "path = \"/a\""),
    ] {
        assert!(!conflict(one, other), "{one} | {other}");
    }
}

#[test]
fn patterns_that_no_router_holds_together_are_refused() {
    assert_eq!(
        route("path = \"/x/{a}\"\nrespond = {}\n[[route]]\npath = \"/x/{*b}\"\nrespond = {}"),
        ["route[2]: \"/x/{*b}\" cannot stand beside the path \"/x/{p}\""]
    );
}
