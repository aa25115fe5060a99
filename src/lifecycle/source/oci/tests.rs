//! Registries that misbehave, and those that want a token.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::ImageError;
use crate::core::{ByteSize, Digest, Source};
use crate::lifecycle::source::client::Patience;
use crate::lifecycle::source::testing::{Origin, Step, answer};
use crate::lifecycle::source::{SourceError, Sources};
use crate::security::digest;

const COMPONENT: &[u8] = b"a component";
const LIMIT: ByteSize = ByteSize(1_000);
const MANIFEST: &str = "/v2/shop/cart/manifests/1";

fn manifest(digest: Digest, size: usize) -> String {
    json!({
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.wasm.config.v0+json",
            "digest": digest,
            "size": 2,
        },
        "layers": [{
            "mediaType": "application/wasm",
            "digest": digest,
            "size": size,
            "urls": ["http://127.0.0.1:1/elsewhere"],
        }],
    })
    .to_string()
}

fn blob_path() -> String {
    format!("/v2/shop/cart/blobs/{}", digest(COMPONENT))
}

fn right() -> Vec<Step> {
    vec![answer(
        "200 OK",
        manifest(digest(COMPONENT), COMPONENT.len()),
    )]
}

async fn fetched(registry: &Origin) -> Result<Vec<u8>, SourceError> {
    fetched_with(registry, Patience::default()).await
}

async fn fetched_with(registry: &Origin, patience: Patience) -> Result<Vec<u8>, SourceError> {
    let sources = Sources::with_patience(None, patience).unwrap();
    let image = Source::Oci(format!("{}/shop/cart:1", registry.authority()));
    sources.fetch(&image, LIMIT).await
}

async fn refused(registry: &Origin) -> ImageError {
    match fetched(registry).await.unwrap_err() {
        SourceError::Image { reason, .. } => *reason,
        error => panic!("{error}"),
    }
}

/// Answers the manifest rightly and the layer with `steps`.
async fn with_layer(steps: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Origin {
    Origin::plain(move |path| match path {
        MANIFEST => right(),
        _ => steps(),
    })
    .await
}

#[tokio::test]
async fn a_layer_must_have_the_digest_of_its_manifest() {
    let forged = with_layer(|| vec![answer("200 OK", b"a compiment")]).await;
    let error = refused(&forged).await.to_string();
    let (named, actual) = (digest(COMPONENT), digest(b"a compiment"));
    let said = format!("a layer with the digest {actual} instead of {named}");
    assert!(error.ends_with(&said), "{error}");
    assert!(forged.asked()[1].starts_with(&format!("GET {} ", blob_path())));
}

#[tokio::test]
async fn a_layer_must_have_the_size_of_its_manifest() {
    let size = COMPONENT.len() - 1;
    let short = Origin::plain(move |path| match path {
        MANIFEST => vec![answer("200 OK", manifest(digest(COMPONENT), size))],
        _ => vec![answer("200 OK", COMPONENT)],
    })
    .await;
    let named = size as u64;
    let error = refused(&short).await;
    assert!(
        matches!(error, ImageError::MoreThanNamed { named: n } if n == named),
        "{error}"
    );

    let size = COMPONENT.len() + 1;
    let long = Origin::plain(move |path| match path {
        MANIFEST => vec![answer("200 OK", manifest(digest(COMPONENT), size))],
        _ => vec![answer("200 OK", COMPONENT)],
    })
    .await;
    let error = refused(&long).await;
    assert!(matches!(error, ImageError::OtherSize { .. }), "{error}");
}

#[tokio::test]
async fn nothing_that_a_registry_sends_is_read_without_end() {
    let endless = || Step::Endless(vec![b' '; 10_000]);
    let open = || Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".into());
    let layer = with_layer(move || vec![open(), endless()]).await;
    let error = refused(&layer).await;
    assert!(matches!(error, ImageError::MoreThanNamed { .. }), "{error}");

    let manifest = Origin::plain(move |_| vec![open(), endless()]).await;
    let error = fetched(&manifest).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the 4MiB that a manifest may have"),
        "{error}"
    );

    let failure = || Step::Send(b"HTTP/1.1 500 Oops\r\n\r\n".into());
    let failing = Origin::plain(move |_| vec![failure(), endless()]).await;
    let error = fetched(&failing).await.unwrap_err();
    assert!(
        matches!(error, SourceError::Status { status: 500, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_goes_silent_is_given_up() {
    let silent = with_layer(|| vec![Step::Wait]).await;
    let patience = Patience {
        idle: Duration::from_millis(300),
        ..Patience::default()
    };
    let error = fetched_with(&silent, patience).await.unwrap_err();
    assert!(error.to_string().contains("timed out"), "{error}");
}

fn challenge(realm: &str) -> Step {
    let field = format!("www-authenticate: Bearer realm=\"{realm}\",service=\"it\"");
    let head = format!("HTTP/1.1 401 Unauthorized\r\n{field}\r\ncontent-length: 0\r\n\r\n");
    Step::Send(head.into_bytes())
}

/// A registry that wants a token, and who gives one out: `given`.
async fn with_token(given: &'static str) -> (Origin, Origin) {
    let tokens = Origin::plain(move |_| vec![answer("200 OK", given)]).await;
    let realm = tokens.url("/token");
    let first = AtomicBool::new(true);
    let registry = Origin::plain(move |path| match path {
        MANIFEST if first.swap(false, Ordering::SeqCst) => vec![challenge(&realm)],
        MANIFEST => right(),
        _ => vec![answer("200 OK", COMPONENT)],
    })
    .await;
    (registry, tokens)
}

#[tokio::test]
async fn a_registry_that_wants_a_token_gets_one() {
    for token in [r#"{"token":"abc"}"#, r#"{"access_token":"abc"}"#] {
        let (registry, tokens) = with_token(token).await;
        assert_eq!(fetched(&registry).await.unwrap(), COMPONENT);
        let asked = "GET /token?scope=repository%3Ashop%2Fcart%3Apull&service=it ";
        assert!(tokens.asked()[0].starts_with(asked), "{:?}", tokens.asked());
        let heads = registry.asked();
        assert!(!heads[0].contains("authorization: "), "{heads:?}");
        for head in &heads[1..] {
            assert!(head.contains("authorization: Bearer abc\r\n"), "{head}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    for token in ["", "{}", "[]", "<html>"] {
        let (registry, _tokens) = with_token(token).await;
        let error = refused(&registry).await;
        assert!(matches!(error, ImageError::NoToken), "{error}");
    }
    // No value of a header field.
    let (registry, _tokens) = with_token(r#"{"token":"a\r\nb: c"}"#).await;
    let error = fetched(&registry).await.unwrap_err();
    assert!(matches!(error, SourceError::Transfer { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_wants_credentials_says_so_once() {
    for field in [
        "Basic realm=\"x\"",
        "Bearer realm=\"http://registry.example/t\"",
    ] {
        let head = format!("HTTP/1.1 401 No\r\nwww-authenticate: {field}\r\n\r\n");
        let registry = Origin::plain(move |_| vec![Step::Send(head.clone().into_bytes())]).await;
        let error = refused(&registry).await;
        let is_right = matches!(error, ImageError::Private | ImageError::TokenElsewhere(_));
        assert!(is_right, "{error}");
        assert_eq!(registry.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_token_that_does_not_help_is_not_asked_for_again() {
    let tokens = Origin::plain(|_| vec![answer("200 OK", r#"{"token":"abc"}"#)]).await;
    let realm = tokens.url("/token");
    let registry = Origin::plain(move |_| vec![challenge(&realm)]).await;
    let error = refused(&registry).await;
    assert!(matches!(error, ImageError::Private), "{error}");
    assert_eq!((registry.asked().len(), tokens.asked().len()), (2, 1));
}

#[tokio::test]
async fn a_registry_on_this_machine_cannot_lead_away_without_https() {
    let registry = with_layer(|| {
        let head = "HTTP/1.1 307 On\r\nlocation: http://192.0.2.1/x\r\ncontent-length: 0\r\n\r\n";
        vec![Step::Send(head.into())]
    })
    .await;
    let error = fetched(&registry).await.unwrap_err();
    assert!(error.to_string().contains("which is not https"), "{error}");
}
