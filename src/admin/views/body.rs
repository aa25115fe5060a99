//! The body of a message, as far as it is shown.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Serialize;

/// The first bytes of a body: as text where they are text.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::admin) struct BodyView {
    /// Bytes of the whole body.
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Instead of `body`, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// There is more of it.
    truncated: bool,
}

impl BodyView {
    /// At most `limit` bytes of it.
    pub fn new(whole: &[u8], limit: usize) -> Self {
        let shown = &whole[..whole.len().min(limit)];
        let (body, body_base64) = match text(shown, shown.len() < whole.len()) {
            Some(text) => (Some(text.to_owned()), None),
            None => (None, Some(BASE64_STANDARD.encode(shown))),
        };
        Self {
            size: whole.len() as u64,
            body,
            body_base64,
            truncated: shown.len() < whole.len(),
        }
    }
}

/// The text that it is, without a last character that was cut in two.
fn text(bytes: &[u8], is_cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(whole: &[u8], limit: usize) -> (Option<String>, Option<String>, bool) {
        let view = BodyView::new(whole, limit);
        assert_eq!(view.size, whole.len() as u64);
        (view.body, view.body_base64, view.truncated)
    }

    #[test]
    fn text_is_shown_as_text_and_the_rest_as_base64() {
        assert_eq!(shown(b"", 4), (Some("".into()), None, false));
        assert_eq!(
            shown("grün".as_bytes(), 5),
            (Some("grün".into()), None, false)
        );
        assert_eq!(shown(&[0xff, 0], 4), (None, Some("/wA=".into()), false));
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(shown("grün".as_bytes(), 3), (Some("gr".into()), None, true));
        assert_eq!(shown(&[0xff; 9], 3), (None, Some("////".into()), true));
        let ends_early = &"grü".as_bytes()[..3];
        assert_eq!(shown(ends_early, 9).1, Some("Z3LD".into()), "it is no text");
    }
}
