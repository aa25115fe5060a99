//! A text as one segment of a path.

use std::fmt::Write as _;

/// Percent-encoded, but for what never means anything in a URL (RFC 3986 §2.3).
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(byte.into());
            }
            // A `String` takes whatever it is given.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_its_segment() {
        assert_eq!(segment("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(segment("a/b?c#d e%2F"), "a%2Fb%3Fc%23d%20e%252F");
        assert_eq!(segment("ü"), "%C3%BC");
    }
}
