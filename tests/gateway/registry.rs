//! Components from OCI registries: a real one, and some that lie.

use airgate::core::{ByteSize, Source, VersionSpec};
use airgate::lifecycle::{SourceError, Sources};
use airgate::security::digest;
use http::Response;
use rustix::process::Signal;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

use crate::support::registry::{Registry, WASM, descriptor, manifest};
use crate::support::{Gate, Origin, body, bytes_of, write_token};

/// Of layers before the CNCF had a layout.
const OLDER: &str = "application/vnd.wasm.content.layer.v1+wasm";
const LIMIT: ByteSize = ByteSize(1_000);
const COMPONENT: &[u8] = b"a component";

async fn fetched(image: &str) -> Result<Vec<u8>, SourceError> {
    let sources = Sources::new(None).unwrap();
    sources.fetch(&Source::Oci(image.into()), LIMIT).await
}

async fn refused(image: &str) -> String {
    let error = fetched(image).await.expect_err(image).to_string();
    assert!(error.starts_with(&format!("oci://{image}")), "{error}");
    error
}

#[tokio::test]
async fn a_component_is_fetched_by_tag_and_by_digest() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let name = format!("{}/shop/cart", registry.address);
    let pinned = registry.push("shop/cart", "1", COMPONENT).await;
    assert_eq!(fetched(&format!("{name}:1")).await.unwrap(), COMPONENT);
    let by_digest = format!("{name}@{pinned}");
    assert_eq!(fetched(&by_digest).await.unwrap(), COMPONENT);

    // A tag moves, a digest does not.
    registry.push("shop/cart", "1", b"the next").await;
    assert_eq!(fetched(&format!("{name}:1")).await.unwrap(), b"the next");
    for image in [by_digest, format!("{name}:1@{pinned}")] {
        assert_eq!(fetched(&image).await.unwrap(), COMPONENT, "{image}");
    }
}

#[tokio::test]
async fn the_older_layout_is_a_component_too() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let older = manifest(&[descriptor(OLDER, COMPONENT)]);
    registry.push_all("older", "1", &older, &[COMPONENT]).await;
    let image = format!("{}/older:1", registry.address);
    assert_eq!(fetched(&image).await.unwrap(), COMPONENT);
}

#[tokio::test]
async fn a_signature_travels_as_an_annotation() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let text = "untrusted comment: one\nline\n";
    let mut signed = manifest(&[descriptor(WASM, COMPONENT)]);
    signed["annotations"] = json!({ "dev.airgate.signature": text });
    registry.push_all("cart", "1", &signed, &[COMPONENT]).await;
    registry.push("cart", "2", COMPONENT).await;
    for (tag, signature) in [("1", Some(text)), ("2", None)] {
        let spec = VersionSpec {
            name: None,
            source: Source::Oci(format!("{}/cart:{tag}", registry.address)),
            digest: None,
            signature: None,
        };
        let sources = Sources::new(None).unwrap();
        let found = sources.signature(&spec).await.unwrap();
        assert_eq!(found.as_deref(), signature);
    }
}

#[tokio::test]
async fn what_a_registry_does_not_have_is_said() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.push("cart", "1", COMPONENT).await;
    let absent = digest(b"never pushed");
    for image in ["cart:2", "other:1", &format!("cart@{absent}")] {
        let error = refused(&format!("{}/{image}", registry.address)).await;
        assert!(error.ends_with("no such image, tag or digest"), "{error}");
    }
}

#[tokio::test]
async fn two_components_or_none_are_not_one() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let (wasm, other) = (descriptor(WASM, COMPONENT), descriptor(WASM, b"another"));
    let text = descriptor("text/plain", b"another");
    for (tag, layers, said) in [
        ("two", vec![wasm.clone(), other], "2 layers of WebAssembly"),
        ("none", vec![text.clone()], "0 layers of WebAssembly"),
    ] {
        let pushed: &[&[u8]] = &[COMPONENT, b"another"];
        registry
            .push_all("cart", tag, &manifest(&layers), pushed)
            .await;
        let error = refused(&format!("{}/cart:{tag}", registry.address)).await;
        assert!(error.contains(said), "{error}");
    }
    let beside = manifest(&[text, wasm]);
    let pushed: &[&[u8]] = &[COMPONENT, b"another"];
    registry.push_all("cart", "one", &beside, pushed).await;
    let image = format!("{}/cart:one", registry.address);
    assert_eq!(fetched(&image).await.unwrap(), COMPONENT);
}

#[tokio::test]
async fn a_layer_up_to_the_limit_is_fetched() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let (just, more) = (vec![7; 1_000], vec![7; 1_001]);
    registry.push("cart", "just", &just).await;
    registry.push("cart", "more", &more).await;
    let image = |tag| format!("{}/cart:{tag}", registry.address);
    assert_eq!(fetched(&image("just")).await.unwrap(), just);
    let error = refused(&image("more")).await;
    assert!(
        error.ends_with("the 1000 that a component may have"),
        "{error}"
    );
}

/// A registry that gives `layer` for every blob, and for every manifest that of [`COMPONENT`].
async fn lying(layer: &'static [u8]) -> Origin {
    Origin::serving(move |request| {
        let answer = match request.uri().path().contains("/blobs/") {
            true => body(layer),
            false => body(manifest(&[descriptor(WASM, COMPONENT)]).to_string()),
        };
        std::future::ready(Response::new(answer))
    })
    .await
}

#[tokio::test]
async fn a_registry_that_lies_about_a_layer_is_refused() {
    let registry = lying(b"a compiment").await;
    let error = refused(&format!("127.0.0.1:{}/cart:1", registry.port())).await;
    let (named, actual) = (digest(COMPONENT), digest(b"a compiment"));
    let said = format!("a layer with the digest {actual} instead of {named}");
    assert!(error.ends_with(&said), "{error}");
    assert_eq!(registry.seen().len(), 2);
}

#[tokio::test]
async fn a_registry_that_gives_another_manifest_than_was_asked_for_is_refused() {
    let registry = lying(COMPONENT).await;
    let name = format!("127.0.0.1:{}/cart", registry.port());
    let manifest = manifest(&[descriptor(WASM, COMPONENT)]).to_string();
    let (asked, actual) = (digest(b"what was pinned"), digest(manifest.as_bytes()));
    let error = refused(&format!("{name}@{asked}")).await;
    let said = format!("a manifest with the digest {actual} instead of {asked}");
    assert!(error.ends_with(&said), "{error}");
    assert_eq!(registry.seen().len(), 1, "its layer was asked for");
    // The same registry, asked for what it has.
    let right = fetched(&format!("{name}@{actual}")).await.unwrap();
    assert_eq!(right, COMPONENT);
}

#[tokio::test]
async fn a_gate_serves_what_a_registry_has_and_goes_on_without_it() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.push("version", "1", &bytes_of("version-a")).await;
    let image = format!("oci://{}/version:1", registry.address);
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    let setup = Gate::serving([])
        .component("version", Path::new(&image), "")
        .route("prefix = \"/\"\ncomponent = \"version\"")
        .state(state.path());
    let mut gate = setup.clone().start().await;
    assert_eq!(gate.get("/").await.text().trim(), "a");
    // The tag moves, and the next reload follows it.
    registry.push("version", "1", &bytes_of("version-b")).await;
    gate.reloads().await;
    assert_eq!(gate.get("/").await.text().trim(), "b");
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(Duration::from_secs(20)).await.success());
    // What was fetched last is taken where nobody answers.
    drop(registry);
    let gate = setup.start().await;
    assert_eq!(gate.get("/").await.text().trim(), "b");
    gate.log.line("cannot be fetched").await;
}
