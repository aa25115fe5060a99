//! The trace a request belongs to, carried on to what it causes (W3C Trace Context, §3).

use http::{HeaderMap, HeaderName, HeaderValue};

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// `traceparent` and `tracestate` of a request, as its client sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    parent: HeaderValue,
    state: Option<HeaderValue>,
}

impl Trace {
    /// `None` where there is no trace, or none that is valid.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let parent = headers
            .get(PARENT)
            .filter(|parent| is_valid(parent.as_bytes()))?;
        Some(Self {
            parent: parent.clone(),
            state: headers.get(STATE).cloned(),
        })
    }

    /// What the guest has set itself stays.
    pub fn carry_on(&self, headers: &mut HeaderMap) {
        if headers.contains_key(PARENT) {
            return;
        }
        headers.insert(PARENT, self.parent.clone());
        if let Some(state) = &self.state {
            headers.insert(STATE, state.clone());
        }
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may be longer (§3.2.2, §4.3).
fn is_valid(parent: &[u8]) -> bool {
    let hex = |part: &[u8], length| {
        part.len() == length
            && part
                .iter()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    };
    let mut parts = parent.split(|byte| *byte == b'-');
    let (version, trace, span, flags) = (parts.next(), parts.next(), parts.next(), parts.next());
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    match (version, trace, span, flags) {
        (Some(version), Some(trace), Some(span), Some(flags)) => {
            hex(version, 2)
                && version != b"ff"
                && (version != b"00" || parts.next().is_none())
                && hex(trace, 32)
                && !zero(trace)
                && hex(span, 16)
                && !zero(span)
                && hex(flags, 2)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_trace_is_carried_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_valid(good.as_bytes()));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_guest_may_start_a_trace_of_its_own() {
        let mut theirs = HeaderMap::new();
        theirs.insert(
            PARENT,
            HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        );
        let trace = Trace::of(&theirs).unwrap();
        let mut own = HeaderMap::new();
        own.insert(PARENT, HeaderValue::from_static("mine"));
        trace.carry_on(&mut own);
        assert_eq!(own[PARENT], "mine");
        let mut none = HeaderMap::new();
        trace.carry_on(&mut none);
        assert_eq!(none, theirs);
    }
}
