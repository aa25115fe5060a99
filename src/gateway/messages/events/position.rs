//! Where in a feed a message is, and how a listener that comes back says it.

use std::fmt;
use std::str::FromStr;

use http::request::Parts;

const LAST_EVENT_ID: &str = "last-event-id";

/// `<epoch>-<sequence>`: 16 hex digits and a decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Drawn for each feed: what another one counted says nothing here.
    pub epoch: u64,
    /// Counted from 1; 0 is before the first.
    pub sequence: u64,
}

/// It is none of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for Position {
    type Err = NoPosition;
    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (epoch, sequence) = text.split_once('-').ok_or(NoPosition)?;
        let position = Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| NoPosition)?,
            sequence: sequence.parse().map_err(|_| NoPosition)?,
        };
        // Only as it was told: no signs, no capitals, no zeros in front.
        let is_ours = position.to_string() == text;
        is_ours.then_some(position).ok_or(NoPosition)
    }
}

/// Where a listener begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// With what comes from now on.
    Now,
    After(Position),
    /// After something that nobody knows.
    Lost,
}

impl Beginning {
    /// `Last-Event-ID`, which browsers send when they come back, or `?last-event-id=` for those who
    /// cannot set fields. The field is newer: who comes back asks for the same address again.
    pub fn of(parts: &Parts) -> Self {
        let field = parts.headers.get(LAST_EVENT_ID);
        let field = field.map(|it| it.to_str().unwrap_or("?"));
        match field.or_else(|| in_query(parts.uri.query()?)) {
            None | Some("") => Self::Now,
            Some(text) => text.parse().map_or(Self::Lost, Self::After),
        }
    }
}

/// Our ids need no escapes.
fn in_query(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == LAST_EVENT_ID)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};

    fn beginning(uri: &str, field: Option<&[u8]>) -> Beginning {
        let mut parts = Request::get(uri).body(()).unwrap().into_parts().0;
        if let Some(field) = field {
            let field = HeaderValue::from_bytes(field).unwrap();
            parts.headers.insert(LAST_EVENT_ID, field);
        }
        Beginning::of(&parts)
    }

    #[test]
    fn who_comes_back_says_what_came_last() {
        let position = |sequence| Position {
            epoch: 0xab,
            sequence,
        };
        let id = position(7).to_string();
        assert_eq!(id, "00000000000000ab-7");
        let after = Beginning::After(position(7));
        assert_eq!(beginning("/e", Some(id.as_bytes())), after);
        assert_eq!(
            beginning(&format!("/e?a&last-event-id={id}&b=1"), None),
            after
        );
        let both = format!("/e?last-event-id={}", position(3));
        assert_eq!(beginning(&both, Some(id.as_bytes())), after);
        assert_eq!(beginning("/e?a=1", None), Beginning::Now);
        assert_eq!(beginning("/e?last-event-id=", None), Beginning::Now);
        assert_eq!(beginning("/e", Some(b"")), Beginning::Now);
    }

    #[test]
    fn what_we_never_said_leads_nowhere() {
        for text in [
            "7",
            "x-7",
            "ab-7",
            "00000000000000AB-7",
            "00000000000000ab-+7",
            "00000000000000ab-07",
            "00000000000000ab--7",
            "00000000000000ab-18446744073709551616",
            "00000000000000ab-7 ",
            "\u{e9}",
        ] {
            assert_eq!(
                beginning("/e", Some(text.as_bytes())),
                Beginning::Lost,
                "{text}"
            );
        }
    }
}
