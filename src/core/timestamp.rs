//! A moment of the wall clock, to the millisecond, written as RFC 3339.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as \"2026-01-31T12:00:00Z\", or milliseconds since 1970")]
pub struct TimestampError;

impl Timestamp {
    /// RFC 3339 has years of four digits.
    const LAST: Self = Self(253_402_300_799_999);

    pub fn now() -> Self {
        // A clock before 1970 is not set yet.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn from_millis(millis: u64) -> Self {
        Self(millis).min(Self::LAST)
    }

    pub fn as_millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if let Ok(millis) = text.parse() {
            return Ok(Self::from_millis(millis));
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError)?;
        let millis = moment.unix_timestamp_nanos() / 1_000_000;
        Ok(Self::from_millis(millis.try_into().unwrap_or(0)))
    }
}

/// Always with milliseconds and in UTC, so that texts sort as moments do.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1_000).unwrap_or(0);
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        let (month, millis) = (u8::from(month), self.0 % 1_000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_alike() {
        let moment = Timestamp::from_millis(1_769_860_800_007);
        assert_eq!(moment.to_string(), "2026-01-31T12:00:00.007Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!("1769860800007".parse(), Ok(moment));
        assert_eq!("2026-01-31T14:00:00.007+02:00".parse(), Ok(moment));
    }

    #[test]
    fn far_moments_stay_four_digit_years() {
        let last = Timestamp::from_millis(u64::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(
            "0001-01-01T00:00:00Z".parse(),
            Ok(Timestamp::from_millis(0))
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "-1",
            "2026-01-31",
            "2026-13-01T00:00:00Z",
            "1e9",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }
}
