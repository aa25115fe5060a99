//! What an operator reads about `[security]`, sources, digests and signatures.

use super::support::{PUBLIC_KEY, diagnostics};
use super::{BASE, assert_adds, directory, messages, parse_in};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// `BASE` with another source, and more keys beside it.
fn with(source: &str, more: &str) -> Vec<String> {
    let keys = format!("component.a.source = {source:?}\n{more}");
    messages(&BASE.replace("component.a.source = \"a.wasm\"\n", &keys))
}

const UNPINNED: &str = "warning: component.a.source: nothing pins these bytes: \
    whoever controls the other end decides what runs";

#[test]
fn bytes_from_elsewhere_are_pinned() {
    let pin = format!("component.a.digest = {DIGEST:?}\n");
    for source in ["https://a.example.com/b.wasm", "oci://ghcr.io/shop/cart:1"] {
        assert_eq!(with(source, ""), [UNPINNED]);
        assert_eq!(with(source, &pin), Vec::<String>::new(), "{source}");
    }
    let image = format!("oci://ghcr.io/shop/cart@{DIGEST}");
    assert_eq!(with(&image, ""), Vec::<String>::new());
    // Another's bytes would not be signed.
    let signed = format!("security = {{ require_signature = true, trusted_keys = [{KEY:?}] }}\n");
    let source = "https://a.example.com/b.wasm";
    assert_eq!(with(source, &signed), Vec::<String>::new());
}

#[test]
fn sources_that_cannot_be_trusted_or_read_say_why() {
    let refused = |source: &str| with(source, "");
    assert_eq!(
        refused("http://a.example.com/b.wasm"),
        ["component.a.source: over http:// anybody on the way could send other bytes"]
    );
    assert_eq!(
        refused("ftp://a.example.com/b.wasm"),
        ["component.a.source: \"ftp\" is no scheme of a source"]
    );
    assert_eq!(
        refused("https:///b.wasm"),
        ["component.a.source: behind :// stands no host"]
    );
    assert_eq!(
        refused("oci://shop/cart:1"),
        ["component.a.source: \"shop\" is not a registry"]
    );
    assert_eq!(
        refused("oci://ghcr.io/shop/cart"),
        ["component.a.source: an image has a tag or a digest"]
    );
    assert_adds(
        "[outbound]\nca = \"https://a.example.com/ca.pem\"",
        &["outbound.ca: https:// leads to no file of this machine"],
    );
}

#[test]
fn a_report_about_http_says_what_to_write() {
    let directory = directory();
    let text = BASE.replace("a.wasm", "http://a.example.com/b.wasm");
    let errors = parse_in(directory.path(), &text).unwrap_err();
    let expected = "\
routes.toml:2:22  component.a.source: over http:// anybody on the way could send other bytes
  |
2 | component.a.source = \"http://a.example.com/b.wasm\"
  |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write https:// instead";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn what_signs_a_url_is_not_repeated() {
    let directory = directory();
    for source in [
        "https://me:hunter2@a.example.com/b.wasm",
        "https://a.example.com/b.wasm?sig=hunter2",
        "https://a.example.com/b.wasm?sig=hunter2 ",
        "http://a.example.com/b.wasm?sig=hunter2",
        "https://a.example.com/b.wasm#hunter2",
        "ftp://me:hunter2@a.example.com/b.wasm",
        "oci://me:hunter2@ghcr.io/shop/cart:1",
        "oci://ghcr.io/shop/cart:1?sig=hunter2",
    ] {
        let text = format!("{}colour = 1\n", BASE.replace("a.wasm", source));
        let report = diagnostics(directory.path(), &text).to_string();
        assert!(!report.contains("hunter2"), "{report}");
        // An inline table is one line, whatever in it is wrong.
        let text = format!("version = 1\ncomponent.a = {{ source = {source:?}, digst = 1 }}\n");
        let report = diagnostics(directory.path(), &text).to_string();
        assert!(
            report.contains("digst") && !report.contains("hunter2"),
            "{report}"
        );
    }
}

#[test]
fn every_version_has_a_digest_where_that_is_required() {
    let directory = directory();
    let text = format!(
        "version = 1\nsecurity.require_digest = true\n[[route]]\npath = \"/\"\ncomponent = \"a\"\n\
         [component.a]\nversions = [\n  {{ name = \"1\", source = \"a.wasm\", digest = {DIGEST:?} }},\n  \
         {{ name = \"2\", source = \"b.wasm\" }},\n]\ntraffic = {{ 1 = 1 }}\n"
    );
    let errors = parse_in(directory.path(), &text).unwrap_err();
    let expected = "\
routes.toml:9:3  component.a.versions[1]: `digest` is missing, and require_digest wants it of every version
  |
9 |   { name = \"2\", source = \"b.wasm\" },
  |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
 ::: 
2 | security.require_digest = true
  |                           ---- required here
  |
  = help: `airgate inspect FILE.wasm` shows it: write digest = \"sha256:…\"";
    assert_eq!(errors.to_string(), expected);
    let required = "security.require_digest = true\n";
    let missing = "`digest` is missing, and require_digest wants it of every version";
    assert_eq!(
        with("a.wasm", required),
        [format!("component.a: {missing}")]
    );
    // The digest of an image is not that of the component in it.
    let image = format!("oci://ghcr.io/shop/cart@{DIGEST}");
    assert_eq!(with(&image, required), [format!("component.a: {missing}")]);
    assert_eq!(
        with(
            "a.wasm",
            &format!("{required}component.a.digest = \"sha256:1\"\n")
        ),
        ["component.a.digest: \"sha256:1\" is not a digest"]
    );
    assert_eq!(
        with("a.wasm", "security.require_digest = false\n"),
        Vec::<String>::new()
    );
}

#[test]
fn signatures_are_there_and_some_key_could_have_made_them() {
    let keys = format!("security.trusted_keys = [{KEY:?}]\n");
    let required = format!("{keys}security.require_signature = true\n");
    let signature = |path: &str| format!("component.a.signature = {path:?}\n");
    let both = |keys: &str, path: &str| with("a.wasm", &format!("{keys}{}", signature(path)));
    assert_eq!(both(&keys, "a.minisig"), Vec::<String>::new());
    assert_eq!(both(&required, "a.minisig"), Vec::<String>::new());
    assert_eq!(
        both(&keys, "none.minisig"),
        ["component.a.signature: none.minisig does not exist"]
    );
    assert_eq!(
        both("", "a.minisig"),
        ["component.a.signature: no key is trusted: nothing could be signed by one"]
    );
    assert_eq!(
        with("a.wasm", &required),
        ["component.a.source: a.wasm is not signed"]
    );
    assert_eq!(
        with("none.wasm", &required),
        ["component.a.source: none.wasm does not exist"]
    );
    assert_adds(
        "[component.b]\nsignature = \"a.minisig\"\n[security]\ntrusted_keys = [{ file = \"ci.pub\" }]",
        &["component.b: `source` is missing"],
    );
}

#[test]
fn a_signature_beside_its_component_needs_no_name() {
    let directory = directory();
    std::fs::write(directory.path().join("a.wasm.minisig"), "").unwrap();
    let text = format!("{BASE}[security]\nrequire_signature = true\ntrusted_keys = [{KEY:?}]\n");
    let report = diagnostics(directory.path(), &text);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn required_signatures_need_a_key() {
    let no_key = "security.require_signature: no key is trusted: nothing could be signed by one";
    for keys in ["", "trusted_keys = []"] {
        let text = format!("[security]\nrequire_signature = true\n{keys}");
        assert_adds(&text, &[no_key]);
    }
    // One that is unreadable is reported once.
    assert_adds(
        "[security]\nrequire_signature = true\ntrusted_keys = [\"RW\"]",
        &[
            "component.a.source: a.wasm is not signed",
            "security.trusted_keys[0]: this is not a public key",
        ],
    );
}

#[test]
fn keys_are_public_keys_each_once() {
    let keys = |keys: &str| format!("[security]\ntrusted_keys = {keys}");
    assert_adds(
        &keys("[{ file = \"none.pub\" }]"),
        &[
            "security.trusted_keys[0].file: none.pub cannot be read: No such file or directory (os error 2)",
        ],
    );
    assert_adds(
        &keys("[{ file = \"tls.key\" }]"),
        &["security.trusted_keys[0].file: tls.key holds no public key"],
    );
    assert_adds(
        &keys("[{}]"),
        &["security.trusted_keys[0]: `file` is missing"],
    );
    assert_adds(
        &keys("[5]"),
        &["security.trusted_keys[0]: expected a public key in quotes, found the number 5"],
    );
    let inline = PUBLIC_KEY.lines().nth(1).unwrap();
    assert_adds(
        &keys(&format!("[{inline:?}, {{ file = \"ci.pub\" }}]")),
        &["warning: security.trusted_keys[1]: this key is there twice, first on line 7"],
    );
}

#[test]
fn a_secret_key_put_in_by_mistake_is_not_repeated() {
    let directory = directory();
    let secret = "RWRTY0Iyhunter2";
    std::fs::write(directory.path().join("ci.key"), format!("{secret}\n")).unwrap();
    for keys in [
        format!("[{secret:?}]"),
        format!("[\"ed25519:{secret}\"]"),
        format!("{secret:?}"),
        format!("[{{ key = {secret:?} }}]"),
        format!("{{ file = {secret:?} }}"),
        "[{ file = \"ci.key\" }]".to_owned(),
        format!("[\"{secret}"),
    ] {
        let text = format!("{BASE}[security]\ntrusted_keys = {keys}\n");
        let report = parse_in(directory.path(), &text).unwrap_err().to_string();
        assert!(!report.contains("hunter2"), "{report}");
    }
}

#[test]
fn compiling_has_bounds() {
    assert_adds(
        "[security]\ncompile_timeout = \"500ms\"",
        &["security.compile_timeout: expected a duration from 1s to 10m, found 500ms"],
    );
    assert_adds(
        "[security]\ncompile_timeout = \"1h\"",
        &["security.compile_timeout: expected a duration from 1s to 10m, found 1h"],
    );
    assert_adds(
        "[security]\ncompile_memory = \"1MiB\"",
        &["security.compile_memory: expected a size from 256MiB to 64GiB, found 1MiB"],
    );
    assert_adds(
        "[security]\nrequire_digests = true",
        &["security: unknown key \"require_digests\", did you mean \"require_digest\"?"],
    );
}

#[test]
fn what_says_who_is_trusted_does_not_lie_where_a_component_may_write() {
    let directory = directory();
    let data = directory.path().join("data");
    for file in ["a.minisig", "ci.pub", "token"] {
        std::fs::copy(directory.path().join(file), data.join(file)).unwrap();
    }
    let text = format!(
        "component.a.signature = \"data/a.minisig\"\n{BASE}\
         [component.a.capabilities]\nfiles = [{{ source = \"data\", at = \"/d\", mode = \"read-write\" }}]\n\
         [security]\ntrusted_keys = [{{ file = \"data/ci.pub\" }}]\n\
         [[admin.tokens]]\nname = \"ci\"\nrole = \"read\"\ntoken = {{ file = \"data/token\" }}\n"
    );
    let report = diagnostics(directory.path(), &text);
    let lines = report.iter().map(|one| report.first_line(one));
    let places: Vec<_> = lines
        .map(|line| {
            line.split_once(" lies where a component may write")
                .map(|it| it.0.to_owned())
        })
        .collect();
    let expected = [
        "routes.toml:1:25  component.a.signature: the signature data/a.minisig",
        "routes.toml:10:26  security.trusted_keys[0].file: the key data/ci.pub",
        "routes.toml:14:18  admin.tokens[0].token.file: the token data/token",
    ];
    assert_eq!(places, expected.map(|line| Some(line.to_owned())));
}
