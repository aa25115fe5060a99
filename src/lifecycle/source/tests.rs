//! Sources against real files and servers.

use std::path::Path;
use std::time::Duration;

use super::client::Patience;
use super::testing::{Origin, Step, answer};
use super::{SourceError, Sources};
use crate::core::{ByteSize, Source, VersionSpec};

const LIMIT: ByteSize = ByteSize(1_000);

fn sources(ca: Option<&Path>) -> Sources {
    Sources::new(ca).unwrap()
}

async fn fetched(origin: &Origin, path: &str) -> Result<Vec<u8>, SourceError> {
    fetched_with(origin, path, Patience::default()).await
}

async fn fetched_with(
    origin: &Origin,
    path: &str,
    patience: Patience,
) -> Result<Vec<u8>, SourceError> {
    let source = Source::Https(origin.url(path));
    let sources = Sources::with_patience(origin.ca(), patience).unwrap();
    sources.fetch(&source, LIMIT).await
}

fn send(head: &str) -> Step {
    Step::Send(format!("HTTP/1.1 {head}\r\n\r\n").into_bytes())
}

fn leading(to: &str) -> Step {
    send(&format!(
        "307 Temporary Redirect\r\ncontent-length: 0\r\nlocation: {to}"
    ))
}

fn spec(source: Source, signature: Option<&Path>) -> VersionSpec {
    VersionSpec {
        name: None,
        source,
        digest: None,
        signature: signature.map(Path::to_owned),
    }
}

#[tokio::test]
async fn an_artifact_is_fetched_whether_its_length_is_announced_or_not() {
    let origin = Origin::tls(|path| match path {
        "/announced" => vec![answer("200 OK", [7; 1_000])],
        "/chunked" => vec![
            send("200 OK\r\ntransfer-encoding: chunked"),
            Step::Send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".into()),
        ],
        _ => vec![
            send("200 OK\r\nconnection: close"),
            Step::Send(b"abcde".into()),
        ],
    })
    .await;
    assert_eq!(fetched(&origin, "/announced").await.unwrap(), [7; 1_000]);
    for path in ["/chunked", "/until-the-end"] {
        assert_eq!(fetched(&origin, path).await.unwrap(), b"abcde", "{path}");
    }
}

#[tokio::test]
async fn more_than_the_limit_is_refused_with_and_without_an_announcement() {
    let origin = Origin::tls(|path| match path {
        // Would wait for ever if the body was waited for.
        "/announced" => vec![send("200 OK\r\ncontent-length: 1001"), Step::Wait],
        "/chunked" => vec![
            send("200 OK\r\ntransfer-encoding: chunked"),
            Step::Endless(
                b"64\r\n"
                    .iter()
                    .copied()
                    .chain([7; 100])
                    .chain(*b"\r\n")
                    .collect(),
            ),
        ],
        _ => vec![
            send("200 OK\r\nconnection: close"),
            Step::Endless(vec![7; 100]),
        ],
    })
    .await;
    for path in ["/announced", "/chunked", "/endless"] {
        let error = fetched(&origin, path).await.unwrap_err();
        let said = format!(
            "{} is larger than the 1000 that a component may have",
            origin.url(path)
        );
        assert_eq!(error.to_string(), said);
    }
}

#[tokio::test]
async fn what_breaks_off_is_not_an_artifact() {
    let origin = Origin::tls(|path| match path {
        "/short" => vec![
            send("200 OK\r\ncontent-length: 10"),
            Step::Send(b"abc".into()),
        ],
        "/chunk" => vec![
            send("200 OK\r\ntransfer-encoding: chunked"),
            Step::Send(b"3\r\nabc\r\n".into()),
        ],
        // Only TLS can tell that this is not the end.
        "/cut" => vec![
            send("200 OK\r\nconnection: close"),
            Step::Send(b"abc".into()),
            Step::Cut,
        ],
        _ => vec![Step::Cut],
    })
    .await;
    for path in ["/short", "/chunk", "/cut", "/no-head"] {
        let error = fetched(&origin, path).await.unwrap_err();
        assert!(matches!(error, SourceError::Transfer { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_slow_is_given_up() {
    let origin = Origin::tls(|path| match path {
        "/silent" => vec![Step::Wait],
        _ => vec![
            send("200 OK\r\ncontent-length: 10"),
            Step::Send(b"abc".into()),
            Step::Wait,
        ],
    })
    .await;
    let patience = Patience {
        idle: Duration::from_millis(300),
        ..Patience::default()
    };
    for path in ["/silent", "/stalls"] {
        let error = fetched_with(&origin, path, patience).await.unwrap_err();
        assert!(matches!(error, SourceError::Transfer { .. }), "{error}");
        assert!(error.to_string().contains("timed out"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_always_about_to_go_on_is_given_up_in_the_end() {
    let origin = Origin::tls(|_| {
        let mut steps = vec![send("200 OK\r\ntransfer-encoding: chunked")];
        steps.extend((0..500).flat_map(|_| [Step::Send(b"1\r\na\r\n".into()), Step::Pause]));
        steps
    })
    .await;
    let patience = Patience {
        total: Duration::from_millis(800),
        ..Patience::default()
    };
    let error = fetched_with(&origin, "/", patience).await.unwrap_err();
    assert!(matches!(error, SourceError::Late { .. }), "{error}");
    assert!(error.to_string().ends_with("within 800ms"), "{error}");
}

#[tokio::test]
async fn another_status_is_an_error_and_shows_no_secret() {
    let origin = Origin::tls(|_| vec![answer("404 Not Found", "no")]).await;
    let url = origin
        .url("/a.wasm?token=secret")
        .replace("://", "://user:secret@");
    let source = Source::Https(url);
    let error = sources(origin.ca())
        .fetch(&source, LIMIT)
        .await
        .unwrap_err();
    let said = format!("{} answered with status 404", origin.url("/a.wasm"));
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn redirects_are_followed_three_times_and_only_to_https() {
    let plain = Origin::plain(|_| vec![answer("200 OK", "stolen")]).await;
    let elsewhere = plain.url("/a.wasm?key=secret");
    let origin = Origin::tls(move |path| match path {
        "/0" => vec![answer("200 OK", "here")],
        "/out" => vec![leading(&elsewhere)],
        "/file" => vec![leading("file:///etc/passwd")],
        path => {
            let left: u32 = path[1..].parse().unwrap();
            vec![leading(&format!("/{}", left - 1))]
        }
    })
    .await;
    assert_eq!(fetched(&origin, "/3").await.unwrap(), b"here");
    for (path, said) in [
        ("/4", "more than 3 times"),
        ("/out", "which is not https"),
        ("/file", ""),
    ] {
        let error = fetched(&origin, path).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert_eq!(plain.asked(), [""; 0]);
}

#[tokio::test]
async fn an_unknown_authority_is_not_believed() {
    let origin = Origin::tls(|_| vec![answer("200 OK", "abc")]).await;
    let source = Source::Https(origin.url("/"));
    let error = sources(None).fetch(&source, LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(origin.asked(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_fetched_without_https() {
    let plain = Origin::plain(|_| vec![answer("200 OK", "abc")]).await;
    for url in [plain.url("/"), "file:///etc/passwd".into(), "a.wasm".into()] {
        let spec = spec(Source::Https(url), None);
        let error = sources(None).fetch(&spec.source, LIMIT).await.unwrap_err();
        assert!(matches!(error, SourceError::NotHttps { .. }), "{error}");
        let error = sources(None).signature(&spec).await.unwrap_err();
        assert!(matches!(error, SourceError::NotHttps { .. }), "{error}");
    }
    assert_eq!(plain.asked(), [""; 0]);
}

#[tokio::test]
async fn an_authority_file_without_a_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.crt");
    std::fs::write(&file, "nothing").unwrap();
    let error = Sources::new(Some(&file)).err().unwrap();
    assert!(
        matches!(error, SourceError::NoCertificate { .. }),
        "{error}"
    );
    let error = Sources::new(Some(&dir.path().join("none"))).err().unwrap();
    assert!(matches!(error, SourceError::Read { .. }), "{error}");
}

#[tokio::test]
async fn a_signature_lies_beside_its_artifact_on_the_server_if_there_is_one() {
    let origin = Origin::tls(|path| match path {
        "/a.wasm.minisig?token=x" => vec![answer("200 OK", "signed")],
        "/gone.wasm.minisig" => vec![answer("410 Gone", "")],
        "/b.wasm.minisig" => vec![answer("404 Not Found", "")],
        "/long.wasm.minisig" => vec![answer("200 OK", vec![b'a'; (64 << 10) + 1])],
        "/bytes.wasm.minisig" => vec![answer("200 OK", [0xff])],
        _ => vec![answer("500 Internal Server Error", "")],
    })
    .await;
    let signature = async |path: &str| {
        let spec = spec(Source::Https(origin.url(path)), None);
        sources(origin.ca()).signature(&spec).await
    };
    let found = signature("/a.wasm?token=x").await.unwrap();
    assert_eq!(found.as_deref(), Some("signed"));
    for path in ["/gone.wasm", "/b.wasm"] {
        assert_eq!(signature(path).await.unwrap(), None);
    }
    let error = signature("/long.wasm").await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
    let error = signature("/bytes.wasm").await.unwrap_err();
    assert!(matches!(error, SourceError::NotText { .. }), "{error}");
    let error = signature("/broken.wasm").await.unwrap_err();
    assert!(
        matches!(error, SourceError::Status { status: 500, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_signature_lies_in_its_file_or_beside_the_artifact() {
    let dir = tempfile::tempdir().unwrap();
    let (artifact, other) = (dir.path().join("a.wasm"), dir.path().join("other.sig"));
    let at = |signature| spec(Source::Path(artifact.clone()), signature);
    let sources = sources(None);
    assert_eq!(sources.signature(&at(None)).await.unwrap(), None);
    let error = sources.signature(&at(Some(&other))).await.unwrap_err();
    assert!(matches!(error, SourceError::Read { .. }), "{error}");

    std::fs::write(dir.path().join("a.wasm.minisig"), "beside").unwrap();
    std::fs::write(&other, "named").unwrap();
    for (file, text) in [(None, "beside"), (Some(other.as_path()), "named")] {
        let signature = sources.signature(&at(file)).await.unwrap();
        assert_eq!(signature.as_deref(), Some(text));
    }
    std::fs::write(&other, vec![b'a'; (64 << 10) + 1]).unwrap();
    let error = sources.signature(&at(Some(&other))).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_path_is_fetched_up_to_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wasm");
    std::fs::write(&path, [7; 1_000]).unwrap();
    let source = Source::Path(path);
    let sources = sources(None);
    assert_eq!(sources.fetch(&source, LIMIT).await.unwrap(), [7; 1_000]);
    let error = sources.fetch(&source, ByteSize(999)).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
}

#[cfg(not(feature = "oci"))]
#[tokio::test]
async fn an_image_needs_the_feature() {
    let source = Source::Oci("registry.example/a:1".into());
    let error = sources(None).fetch(&source, LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("built without"), "{error}");
}
