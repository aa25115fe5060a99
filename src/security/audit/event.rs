//! One entry of the audit trail: one JSON object on one line.

use std::borrow::Cow;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::core::{ComponentName, RequestId, Timestamp, VersionName};
use crate::security::text::bounded;

/// Bytes of `target`: what guests name is rarely longer.
const TARGET: usize = 256;
/// Bytes of `detail`.
const DETAIL: usize = 512;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A touch without a grant was refused.
    Denied,
    /// A touch without a grant was let through, as the component's mode is `audit`.
    Audited,
    GrantsChanged,
    Deployed,
    AdminCall,
}

impl Kind {
    /// Caused by a guest, as often as it likes.
    pub(super) fn is_denial(self) -> bool {
        matches!(self, Self::Denied | Self::Audited)
    }
}

/// One thing that happened. Its texts are bounded and hold no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub time: Timestamp,
    pub kind: Kind,
    #[serde(default, with = "by_text", skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    #[serde(default, with = "by_text", skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    /// The 32 digits of the request's id, as logs have them.
    #[serde(
        default,
        rename = "request_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub request: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Cow<'static, str>>,
    pub target: String,
    pub detail: String,
    /// How many like it this one stands for, of which it shows the first.
    pub repeated: u64,
}

impl Event {
    /// It happens now.
    pub fn new(kind: Kind) -> Self {
        Self {
            time: Timestamp::now(),
            kind,
            component: None,
            version: None,
            request: None,
            capability: None,
            target: String::new(),
            detail: String::new(),
            repeated: 1,
        }
    }

    /// Of one version of a component.
    pub fn of(mut self, component: ComponentName, version: VersionName) -> Self {
        self.version = Some(version);
        self.of_component(component)
    }

    /// Of a component, whatever its version.
    pub fn of_component(mut self, component: ComponentName) -> Self {
        self.component = Some(component);
        self
    }

    /// While this request was served; [`RequestId::NONE`]: while none was.
    pub fn during(mut self, request: RequestId) -> Self {
        self.request = (request != RequestId::NONE).then(|| request.to_string().into());
        self
    }

    /// The key below `capabilities` that it is about.
    pub fn capability(mut self, capability: &'static str) -> Self {
        self.capability = Some(capability.into());
        self
    }

    /// What was touched: its first 256 bytes.
    pub fn target(mut self, target: impl Display) -> Self {
        self.target = bounded(target, TARGET);
        self
    }

    /// Why, or what of it: its first 512 bytes.
    pub fn detail(mut self, detail: impl Display) -> Self {
        self.detail = bounded(detail, DETAIL);
        self
    }
}

/// Names are written as their texts, and checked when they are read.
pub(super) mod by_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Display,
        S: Serializer,
    {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let mut event = Event::new(Kind::Denied)
            .of("cart".parse().unwrap(), "1.4.2".parse().unwrap())
            .capability("http")
            .target("https://evil.test:443")
            .detail("no grant covers it");
        event.time = Timestamp::from_millis(1_769_860_800_000);
        event
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        assert_eq!(
            serde_json::to_string(&event()).unwrap(),
            concat!(
                r#"{"time":"2026-01-31T12:00:00.000Z","kind":"denied","component":"cart","version":"1.4.2","#,
                r#""capability":"http","target":"https://evil.test:443","detail":"no grant covers it","repeated":1}"#
            )
        );
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = event().during(RequestId::next());
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn what_a_guest_writes_is_bounded_and_stays_on_its_line() {
        let event = event()
            .target(format_args!("a\nb{}", "\u{1b}".repeat(1_000_000)))
            .detail("x".repeat(1_000_000));
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.len() < 1_200 && !line.contains('\n'), "{line}");
    }

    #[test]
    fn no_request_is_no_request_id() {
        assert_eq!(event().during(RequestId::NONE).request, None);
    }
}
