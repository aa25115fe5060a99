//! What an operator reads about `[component.NAME]`.

use super::{BASE, assert_adds, messages};

#[test]
fn sources_are_files_that_are_there() {
    let source = |text: &str| messages(&BASE.replace("a.wasm", text));
    assert_eq!(
        source("c.wasm"),
        ["component.a.source: c.wasm does not exist"]
    );
    assert_eq!(
        source("public"),
        ["component.a.source: public is a directory"]
    );
    assert_adds(
        "[component.b]\n[[route]]\npath = \"/b\"\ncomponent = \"b\"",
        &["component.b: `source` is missing"],
    );
}

#[test]
fn components_have_names_versions_and_digests() {
    assert_adds(
        "[component.\"a/b\"]\nsource = \"a.wasm\"",
        &["component.\"a/b\": \"a/b\" is not a component name"],
    );
    assert_adds(
        "[component.b]\nsource = \"a.wasm\"",
        &["warning: component.b: no route leads to this component"],
    );
    assert_eq!(
        messages(&BASE.replace("[[route]]", "component.a.digest = \"sha256:00\"\n[[route]]")),
        ["component.a.digest: \"sha256:00\" is not a digest"]
    );
    assert_eq!(
        messages(&BASE.replace(
            "[[route]]",
            "component.a.versions = [{ name = \"1\", source = \"b.wasm\" }]\n[[route]]"
        )),
        ["component.a: a component has either one `source` or `versions`"]
    );
}

/// One component with these keys, and a route to it.
fn component(keys: &str) -> Vec<String> {
    messages(&format!(
        "version = 1\n[[route]]\npath = \"/\"\ncomponent = \"a\"\n[component.a]\n{keys}\n"
    ))
}

#[test]
fn traffic_names_versions() {
    let two = "versions = [{ name = \"1.4.2\", source = \"a.wasm\" }, { name = \"1.5.0\", source = \"b.wasm\" }]\n";
    let with = |traffic: &str| component(&format!("{two}traffic = {traffic}"));
    assert_eq!(
        with("{ \"1.4.2\" = 95, \"1.5.0\" = 5 }"),
        Vec::<String>::new()
    );
    assert_eq!(
        with("{ \"1.4.2\" = 95, \"1.5\" = 5 }"),
        ["component.a.traffic: unknown version \"1.5\", did you mean \"1.5.0\"?"]
    );
    assert_eq!(
        with("{ \"1.4.2\" = 0 }"),
        ["component.a.traffic: the weights sum to 0: no version would get a request"]
    );
    assert_eq!(
        with("{ \"1.4.2\" = 4294967295, \"1.5.0\" = 1 }"),
        ["component.a.traffic: the weights sum to 4294967296, more than 4294967295"]
    );
    assert_eq!(
        with("{ \"1.4.2\" = -1 }"),
        [
            "component.a.traffic.\"1.4.2\": expected a whole number from 0 to 4294967295, found the number -1"
        ]
    );
    assert_eq!(
        component(two),
        [
            "warning: component.a.versions: without `traffic` every request goes to the first version, \"1.4.2\""
        ]
    );
    assert_eq!(
        component("source = \"a.wasm\"\ntraffic = { x = 1 }"),
        ["component.a.traffic: unknown version \"x\""]
    );
    let twice = two.replace("1.5.0", "1.4.2");
    assert_eq!(
        component(&format!("{twice}traffic = {{ \"1.4.2\" = 1 }}")),
        ["component.a.versions[1].name: version \"1.4.2\" is there twice, first on line 6"]
    );
    assert_eq!(
        component("versions = []"),
        ["component.a.versions: a component needs at least one version"]
    );
    assert_eq!(
        component("versions = [{ name = \"1\" }]"),
        ["component.a.versions[0]: `source` is missing"]
    );
}

#[test]
fn instances_and_limits_fit_together() {
    let with = |keys: &str| component(&format!("source = \"a.wasm\"\n{keys}"));
    assert_eq!(
        with("instances = { concurrent = 16 }"),
        [
            "component.a.instances.concurrent: an instance that serves 1 in all cannot serve 16 at once"
        ]
    );
    assert_eq!(
        with("instances = { ready = 5, max = 4 }"),
        ["component.a.instances.ready: 5 ready instances are more than max = 4"]
    );
    assert_eq!(
        with("instances = { reuse = 16, concurrent = 16 }\nlimits = { fuel = 1 }"),
        [
            "warning: component.a.instances.concurrent: with concurrent > 1 the cpu and fuel budget is the instance's, \
         not the request's"
        ]
    );
    assert_eq!(
        with("limits = { timeout = \"90s\" }"),
        ["component.a.limits.timeout: timeout 90s is longer than stream_timeout 1m"]
    );
    assert_eq!(
        with("limits = { timeout = \"90s\", stream_timeout = \"0s\" }"),
        Vec::<String>::new()
    );
    assert_eq!(
        with("limits = { cpu = \"6s\" }"),
        ["warning: component.a.limits.cpu: cpu 6s is never used up within timeout 5s"]
    );
}
