//! `Content-Digest` (RFC 9530 §2): what the sender says the body is.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::admin::answer::Problem;
use crate::core::Digest;

const CONTENT_DIGEST: &str = "content-digest";

/// Byte sequences may lack their padding (RFC 9651 §4.2.7).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The sha-256 that was sent; digests by other algorithms are passed over.
///
/// # Errors
/// The header is malformed, or has two.
pub(in crate::admin) fn content_digest(headers: &HeaderMap) -> Result<Option<Digest>, Problem> {
    parse(headers).ok_or_else(|| {
        let detail = "Content-Digest: expected one such as `sha-256=:BASE64:`";
        Problem::bad_request(detail).field(CONTENT_DIGEST)
    })
}

/// `None`: malformed.
fn parse(headers: &HeaderMap) -> Option<Option<Digest>> {
    let mut found = None;
    for line in headers.get_all(CONTENT_DIGEST) {
        // Neither names nor byte sequences have commas.
        for member in line.to_str().ok()?.split(',') {
            let (algorithm, bytes) = member.trim_matches([' ', '\t']).split_once('=')?;
            let bytes = bytes.strip_prefix(':')?.strip_suffix(':')?;
            let bytes = BASE64.decode(bytes).ok()?;
            if !is_key(algorithm) {
                return None;
            }
            if algorithm == "sha-256" {
                let digest = Digest::new(bytes.try_into().ok()?);
                if found.replace(digest).is_some() {
                    return None;
                }
            }
        }
    }
    Some(found)
}

/// RFC 9651 §3.1.2.
fn is_key(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
    let goes_on = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*')
    };
    starts && text.chars().all(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// Of `{"hello": "world"}` and a newline: an example of RFC 9530 §2.
    const EXAMPLE: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const HEX: &str = "sha256:44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";

    fn parsed(lines: &[&str]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, HeaderValue::from_str(line).unwrap());
        }
        let digest = content_digest(&headers).ok()?;
        Some(digest.map(|it| it.to_string()))
    }

    #[test]
    fn a_digest_is_read() {
        assert_eq!(parsed(&[EXAMPLE]), Some(Some(HEX.into())));
        let unpadded = EXAMPLE.replace("=:", ":").replace("256:", "256=:");
        assert_eq!(parsed(&[&unpadded]), Some(Some(HEX.into())));
        let among = format!("sha-512=:AAAA:,\t{EXAMPLE}");
        assert_eq!(parsed(&[&among]), Some(Some(HEX.into())));
        assert_eq!(parsed(&["md5=:AAAA:", EXAMPLE]), Some(Some(HEX.into())));
    }

    #[test]
    fn without_a_sha_256_there_is_none() {
        assert_eq!(parsed(&[]), Some(None));
        assert_eq!(parsed(&["sha-512=:AAAA:"]), Some(None));
    }

    #[test]
    fn malformed_ones_are_refused() {
        for bad in [
            "",
            "sha-256",
            "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
            "sha-256=:AAAA:",
            "sha-256=:***:",
            "sha-256=::",
            "sha-256=:",
            "SHA-256=:AAAA:",
            "=:AAAA:",
            "sha-512=:AAAA:,",
        ] {
            assert_eq!(parsed(&[bad]), None, "{bad}");
        }
        assert_eq!(parsed(&[EXAMPLE, EXAMPLE]), None);
    }
}
