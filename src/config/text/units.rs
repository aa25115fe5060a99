//! Durations and sizes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::config::read::{Refusal, Text};
use crate::core::{ByteSize, parse_duration};

/// Far below what the clock can add to "now".
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Text for Duration {
    const NOUN: &'static str = "a duration";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let duration = parse_duration(text).map_err(Refusal::expecting)?;
        if duration > LONGEST {
            return Err(Refusal::saying(format!("{text:?} is longer than a year")));
        }
        Ok(duration)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(us|ms|s|m|h)$" })
    }
}

/// A duration above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct Timeout(pub Duration);

impl Text for Timeout {
    const NOUN: &'static str = Duration::NOUN;

    fn parse(text: &str) -> Result<Self, Refusal> {
        let duration = Duration::parse(text)?;
        if duration.is_zero() {
            return Err(Refusal::saying(format!("{text:?} leaves no time at all")));
        }
        Ok(Self(duration))
    }

    fn schema() -> Value {
        Duration::schema()
    }
}

impl Text for ByteSize {
    const NOUN: &'static str = "a size";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$" })
    }
}
