//! `X-Airgate-Signature`: a detached signature beside the component it is for, in base64, as
//! the text of a signature has line breaks.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::admin::answer::Problem;

const SIGNATURE: &str = "x-airgate-signature";

/// Bytes of base64. A signature by minisign has about 300, its trusted comment included.
const LONGEST: usize = 8 << 10;

/// The text of the signature.
///
/// # Errors
/// It is no base64, no text, or too long.
pub(in crate::admin) fn signature(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut sent = headers.get_all(SIGNATURE).iter();
    let Some(value) = sent.next() else {
        return Ok(None);
    };
    let short = (value.len() <= LONGEST && sent.next().is_none()).then_some(value);
    let bytes = short.and_then(|value| BASE64_STANDARD.decode(value).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| {
        let detail = format!("X-Airgate-Signature: expected at most {LONGEST} bytes of base64");
        Problem::bad_request(detail).field(SIGNATURE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(values: &[&str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SIGNATURE, HeaderValue::from_str(value).unwrap());
        }
        signature(&headers).map_err(|it| it.status().as_u16())
    }

    #[test]
    fn a_signature_may_have_several_lines() {
        let text = "untrusted comment: x\nRWQ=\n";
        assert_eq!(
            read(&[&BASE64_STANDARD.encode(text)]),
            Ok(Some(text.into()))
        );
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let long = BASE64_STANDARD.encode(vec![b'x'; LONGEST]);
        let binary = BASE64_STANDARD.encode([0xff; 64]);
        for bad in [&["***"][..], &[&long], &[&binary], &["AAAA", "AAAA"]] {
            assert_eq!(read(bad), Err(400), "{bad:?}");
        }
    }
}
