//! Signatures of real tools: minisign 0.11 for its own (`minisign -S`, and `-S -l` for the older
//! form), ring for plain Ed25519.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;
use crate::core::{ArtifactPolicy, Digest, TrustedKey};

const ARTIFACT: &[u8] = b"a component, as far as a signature cares";
const ALICE: &str = "RWQNkNzNjazbjXi7hJu8klnd3UnnbXFtAFj+32gTPwVGCJ8/8BRKyYCv";
const BOB: &str = "RWRAn73KBHoXGo1c9cn+nG+agdZ/V15r7p9sb4vn8PT+JsMEFPa7wBx3";
/// By Alice, over [`ARTIFACT`].
const BY_ALICE: &str = "\
untrusted comment: signature of a test
RUQNkNzNjazbjZf6wZCMJ/OlkM+ZzSbq/ImDRA9GHeq5ZkkmmmLE1J7LFMQscO5UwydS+aOp1JIOBgb5g4lySayT33gYqTg66wM=
trusted comment: made for a test
YVj5YR+lhFRdISiwdla5f3rpbWbkW4Zu1vmYWtIG1X1ek3t8BiTmTQCQdKQByJLzCc8VMg1IlUh9RnjDQUheAA==
";
/// The same without hashing first.
const LEGACY: &str = "\
untrusted comment: signature of a test
RWQNkNzNjazbjQdSrzIYTHX8o3/m8PKFijRxB8q31U1SCot5zLu1HaTSbkngJuto2azR4VjJOFei40Q3iTXTIOr87Ck4hOWwEAI=
trusted comment: made for a test, legacy
QccUvGVFjWonTiMLMVtT1DtyklU48oGlroP0FiKJprnWtC0sjfdQLRm3fKi+lLqT/FtOODLGT83oUF+hJ0/8Bw==
";
/// By Bob, over [`ARTIFACT`].
const BY_BOB: &str = "\
untrusted comment: signature of a test
RURAn73KBHoXGlnAMEOS9SZcrvH6e6pheZ5xiXyekl1YtGn5Qs5dHDk5e5o//rtkNSpEQK4Dc6U7WEuGbE7B5gi9ASoWy3MY7gE=
trusted comment: by another key
uocwXjDDi8HIU1FrRvf/LfJiqyk1E1U/tnlhp5fAjNK2H5Gs6HfGekd0VRs0S1mY3P2tBio9dDaQ5GgwQflrCw==
";
/// By Alice, over another file.
const OF_OTHER: &str = "\
untrusted comment: signature of a test
RUQNkNzNjazbjQFh1V8ydBFuk5c0Hzy0IMUup1Tf2YkepZWflwfELsPG4gNM9Px6vIIb84fZ607MMP/m8lhAU53X9+Kj/+7dpAE=
trusted comment: of another file
29V1z1i3+cubk3D6zFdtEk060Cs+wngGchx50xABD0HQoKPkX6rCVPncr8sra+oJXrVCqfLCNgvUmxODeofGAQ==
";

fn minisign(key: &str) -> TrustedKey {
    key.parse().unwrap()
}

fn policy(trusted_keys: impl IntoIterator<Item = TrustedKey>) -> ArtifactPolicy {
    ArtifactPolicy {
        require_signature: true,
        trusted_keys: trusted_keys.into_iter().collect(),
        ..ArtifactPolicy::default()
    }
}

fn verified(
    keys: &[&str],
    bytes: &[u8],
    signature: &str,
) -> Result<Option<TrustedKey>, SignatureError> {
    let policy = policy(keys.iter().map(|key| minisign(key)));
    verify_signature(&policy, bytes, Some(signature))
}

fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[0] ^= 1;
    bytes
}

/// `text` with another character in place of the one at `at`.
fn altered(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn both_forms_of_minisign_pass_under_their_key_among_several() {
    for signature in [BY_ALICE, LEGACY] {
        let key = verified(&[BOB, ALICE], ARTIFACT, signature);
        assert_eq!(key, Ok(Some(minisign(ALICE))), "{signature}");
    }
    let crlf = BY_ALICE.replace('\n', "\r\n");
    assert_eq!(
        verified(&[ALICE], ARTIFACT, &crlf),
        Ok(Some(minisign(ALICE)))
    );
}

#[test]
fn a_key_that_is_not_trusted_is_named_and_refused() {
    let error = verified(&[ALICE], ARTIFACT, BY_BOB).unwrap_err();
    let signer = "minisign key 1A177A04CABD9F40".to_owned();
    assert_eq!(error, SignatureError::Untrusted { signer });
    assert!(error.to_string().contains("or add that key"), "{error}");
    let nobody = verified(&[], ARTIFACT, BY_ALICE);
    assert!(matches!(nobody, Err(SignatureError::Untrusted { .. })));
}

#[test]
fn another_key_under_the_id_of_a_trusted_one_is_refused() {
    let key = BASE64_STANDARD.decode(ALICE).unwrap();
    let mut forged = BASE64_STANDARD
        .decode(BY_BOB.lines().nth(1).unwrap())
        .unwrap();
    forged[2..10].copy_from_slice(&key[2..10]);
    let forged = BY_BOB.replace(
        BY_BOB.lines().nth(1).unwrap(),
        &BASE64_STANDARD.encode(forged),
    );
    let error = verified(&[ALICE], ARTIFACT, &forged).unwrap_err();
    let signer = "minisign key 8DDBAC8DCDDC900D".to_owned();
    assert_eq!(error, SignatureError::Wrong { signer });
}

#[test]
fn a_changed_byte_and_the_signature_of_another_file_are_refused() {
    for (bytes, signature) in [
        (changed(ARTIFACT), BY_ALICE),
        (changed(ARTIFACT), LEGACY),
        (ARTIFACT[1..].to_vec(), BY_ALICE),
        (ARTIFACT.to_vec(), OF_OTHER),
    ] {
        let error = verified(&[ALICE], &bytes, signature).unwrap_err();
        assert!(matches!(error, SignatureError::Wrong { .. }), "{error}");
    }
}

#[test]
fn a_trusted_comment_that_was_changed_is_refused() {
    let text = BY_ALICE.replace("made for a test", "made for a race");
    let error = verified(&[ALICE], ARTIFACT, &text).unwrap_err();
    assert!(matches!(error, SignatureError::Wrong { .. }), "{error}");
}

#[test]
fn no_character_of_a_signature_can_be_changed_but_those_of_the_untrusted_comment() {
    let lines: Vec<&str> = BY_ALICE.lines().collect();
    let first = lines[0].len() + 1;
    for at in first..BY_ALICE.trim_end().len() {
        if BY_ALICE.as_bytes()[at] != b'\n' {
            let text = altered(BY_ALICE, at);
            assert!(verified(&[ALICE], ARTIFACT, &text).is_err(), "{text}");
        }
    }
}

#[test]
fn a_signature_that_was_cut_off_is_refused_wherever_that_was() {
    for length in 0..BY_ALICE.trim_end().len() {
        let error = verified(&[ALICE], ARTIFACT, &BY_ALICE[..length]).unwrap_err();
        assert_eq!(error, SignatureError::Unreadable, "{length}");
    }
}

#[test]
fn what_is_too_long_or_no_signature_is_refused() {
    let long = "A".repeat(SIGNATURE_LIMIT.0 as usize + 1);
    let length = long.len();
    let error = verified(&[ALICE], ARTIFACT, &long).unwrap_err();
    assert_eq!(error, SignatureError::TooLong { length });
    let of_63 = BASE64_STANDARD.encode([0; 63]);
    for text in [
        "",
        "untrusted comment:",
        "<html>",
        "AAAA",
        &of_63,
        "\u{fffd}",
    ] {
        let error = verified(&[ALICE], ARTIFACT, text).unwrap_err();
        assert_eq!(error, SignatureError::Unreadable, "{text}");
    }
}

#[test]
fn an_absent_signature_is_refused_only_where_one_is_required() {
    let mut policy = policy([minisign(ALICE)]);
    let error = verify_signature(&policy, ARTIFACT, None).unwrap_err();
    assert_eq!(error, SignatureError::Missing);
    assert!(error.to_string().contains("minisign -S"), "{error}");
    policy.require_signature = false;
    assert_eq!(verify_signature(&policy, ARTIFACT, None), Ok(None));
}

#[test]
fn a_signature_that_nobody_asked_for_must_still_be_right() {
    let mut policy = policy([minisign(ALICE)]);
    policy.require_signature = false;
    for (signature, is_right) in [(BY_ALICE, true), (OF_OTHER, false), (BY_BOB, false)] {
        let verified = verify_signature(&policy, ARTIFACT, Some(signature));
        assert_eq!(verified.is_ok(), is_right, "{signature}");
    }
    policy.trusted_keys.clear();
    assert_eq!(verify_signature(&policy, ARTIFACT, Some(BY_BOB)), Ok(None));
}

fn ed25519(seed: u8) -> (Ed25519KeyPair, TrustedKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let key = TrustedKey::Ed25519(pair.public_key().as_ref().try_into().unwrap());
    (pair, key)
}

#[test]
fn plain_ed25519_passes_under_its_key_and_over_its_bytes_alone() {
    let ((alice, key), (bob, other)) = (ed25519(1), ed25519(2));
    let policy = policy([other.clone(), minisign(ALICE), key.clone()]);
    let signed = |by: &Ed25519KeyPair, bytes: &[u8]| BASE64_STANDARD.encode(by.sign(bytes));
    let verified = |bytes: &[u8], text: &str| verify_signature(&policy, bytes, Some(text));

    let right = signed(&alice, ARTIFACT);
    assert_eq!(verified(ARTIFACT, &right), Ok(Some(key)));
    assert!(verified(ARTIFACT, &format!("{right}\n")).is_ok());
    assert_eq!(verified(ARTIFACT, &signed(&bob, ARTIFACT)), Ok(Some(other)));

    let (mallory, _) = ed25519(3);
    for (bytes, text) in [
        (changed(ARTIFACT), right.clone()),
        (ARTIFACT.to_vec(), signed(&mallory, ARTIFACT)),
        (ARTIFACT.to_vec(), signed(&alice, b"another component")),
        (ARTIFACT.to_vec(), altered(&right, 3)),
    ] {
        let error = verified(&bytes, &text).unwrap_err();
        assert!(matches!(error, SignatureError::Wrong { .. }), "{error}");
    }
    assert_eq!(
        verified(ARTIFACT, &right[..right.len() - 4]),
        Err(SignatureError::Unreadable)
    );
}

#[test]
fn the_known_answer_of_rfc_8032_passes() {
    // Section 7.1, test 2.
    let bytes = |hex: &str| -> Vec<u8> {
        let pairs = (0..hex.len()).step_by(2);
        pairs
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let key = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature = bytes(concat!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ));
    let key = TrustedKey::Ed25519(key.try_into().unwrap());
    let text = BASE64_STANDARD.encode(signature);
    let verified = verify_signature(&policy([key.clone()]), &[0x72], Some(&text));
    assert_eq!(verified, Ok(Some(key)));
}

#[test]
fn a_plain_signature_needs_a_plain_key() {
    let (alice, _) = ed25519(1);
    let text = BASE64_STANDARD.encode(alice.sign(ARTIFACT));
    let error = verified(&[ALICE], ARTIFACT, &text).unwrap_err();
    assert!(matches!(error, SignatureError::Untrusted { .. }), "{error}");
}

#[test]
fn a_pin_is_asked_for_only_where_one_is_required() {
    let mut policy = ArtifactPolicy::default();
    assert_eq!(require_pin(&policy, None), Ok(()));
    policy.require_digest = true;
    assert_eq!(require_pin(&policy, None), Err(NotPinned));
    assert_eq!(require_pin(&policy, Some(Digest::new([0; 32]))), Ok(()));
}
