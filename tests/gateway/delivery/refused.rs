//! What must not serve is refused with the reason, and nothing changes.

use super::{letter, serving_a};
use crate::support::{Answer, Gate, body, bytes_of, marked};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// A refusal, after which everything is as it was.
async fn refused(gate: &Gate, wasm: Vec<u8>) -> Answer {
    let before = gate.delivery("version").await;
    let answer = gate.put_version("version", "bad", wasm).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(gate.delivery("version").await, before);
    assert_eq!(letter(gate).await, "a");
    answer
}

#[tokio::test]
async fn what_cannot_serve_is_refused() {
    let gate = serving_a("").start().await;
    let whole = bytes_of("version-b");
    for (wasm, reason) in [
        (b"GIF89a".to_vec(), "it is not WebAssembly"),
        (Vec::new(), "it is not WebAssembly"),
        (bytes_of("core-module"), "it is a core module"),
        (
            whole[..whole.len() / 2].to_vec(),
            "it is not a valid component",
        ),
        (bytes_of("no-handler"), "it exports no handler"),
        (bytes_of("start-trap"), "it cannot be started"),
        (
            bytes_of("foreign-import"),
            "it imports what nothing here provides",
        ),
        (bytes_of("fetch"), "which is not granted"),
    ] {
        let answer = refused(&gate, wasm).await;
        assert_eq!(answer.status(), 422, "{reason}");
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_name_never_means_other_bytes() {
    let gate = serving_a("version = \"1\"").start().await;
    let taken = gate
        .put_version("version", "1", bytes_of("version-b"))
        .await;
    assert_eq!(taken.status(), 409);
    assert!(
        taken.json()["detail"]
            .as_str()
            .unwrap()
            .contains("other bytes")
    );
    assert_eq!(letter(&gate).await, "a");
}

#[tokio::test]
async fn weights_that_mean_nothing_are_refused_with_the_field() {
    let gate = serving_a("version = \"1\"").start().await;
    for (weights, word) in [("{}", "sum to 0"), ("{\"1\": 0}", "sum to 0")] {
        let answer = gate.set_traffic("version", weights).await;
        assert_eq!(answer.status(), 422, "{}", answer.text());
        assert!(answer.text().contains(word), "{}", answer.text());
    }
    assert_eq!(
        gate.set_traffic("version", "{\"9\": 1}").await.status(),
        422
    );
    let steps = gate
        .put_version_with(
            "version",
            "2",
            bytes_of("version-b"),
            "strategy=canary&steps=50,25",
        )
        .await;
    assert_eq!(steps.status(), 400, "{}", steps.text());
    assert!(steps.text().contains("steps"), "{}", steps.text());
    assert_eq!(
        gate.put_version("nobody", "1", bytes_of("version-b"))
            .await
            .status(),
        404
    );
}

/// A key that signs, and the lines that trust it.
fn key() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = BASE64_STANDARD.encode(pair.public_key());
    let lines = format!("require_signature = true\ntrusted_keys = [\"ed25519:{public}\"]");
    (pair, lines)
}

#[tokio::test]
async fn only_what_a_trusted_key_has_signed_is_deployed() {
    let (pair, lines) = key();
    let wasm = bytes_of("version-b");
    let dir = tempfile::tempdir().unwrap();
    let sign = |bytes: &[u8]| BASE64_STANDARD.encode(pair.sign(bytes));
    let signature = dir.path().join("a.sig");
    std::fs::write(&signature, sign(&bytes_of("version-a"))).unwrap();
    let gate = serving_a(&format!("version = \"1\"\nsignature = {signature:?}"))
        .security(&lines)
        .start()
        .await;
    let put = async |version: &str, wasm: Vec<u8>, signature: Option<String>| {
        let path = format!("/v1/components/version/versions/{version}");
        let mut request = Request::put(path).header("content-type", "application/wasm");
        if let Some(signature) = signature {
            request = request.header("x-airgate-signature", BASE64_STANDARD.encode(signature));
        }
        gate.admin(request.body(body(wasm)).unwrap()).await
    };
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    for signature in [
        None,
        Some(BASE64_STANDARD.encode(other.sign(&wasm))),
        Some(sign(&marked(&wasm, "changed"))),
        Some("nonsense".into()),
    ] {
        let answer = put("2", wasm.clone(), signature).await;
        assert_eq!(answer.status(), 422, "{}", answer.text());
        assert!(answer.text().contains("sign"), "{}", answer.text());
        assert_eq!(letter(&gate).await, "a");
    }
    let taken = put("2", wasm.clone(), Some(sign(&wasm))).await;
    assert_eq!(taken.status(), 201, "{}", taken.text());
    assert_eq!(letter(&gate).await, "b");
}

#[tokio::test]
async fn an_artifact_that_was_changed_on_disk_is_never_run() {
    let gate = serving_a("version = \"1\"").start().await;
    let status = gate
        .put_version_with("version", "2", bytes_of("version-b"), "traffic=none")
        .await;
    let digest = status.json()["versions"][1]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = gate.state().join(format!(
        "artifacts/{}.wasm",
        digest.trim_start_matches("sha256:")
    ));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    // The newest is kept ready; the one before is read from disk again.
    let newest = marked(&bytes_of("version-b"), "newest");
    gate.put_version_with("version", "3", newest, "traffic=none")
        .await;
    let answer = gate.set_traffic("version", "{\"2\": 1}").await;
    assert_eq!(answer.status(), 422, "{}", answer.text());
    assert_eq!(letter(&gate).await, "a");
}
