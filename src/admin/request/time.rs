//! A span of time as a parameter has it.

use std::str::FromStr;
use std::time::Duration;

use crate::core::parse_duration;

/// More than nothing, written as in the configuration: `5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_duration(text) {
            Ok(Duration::ZERO) => Err("expected more than no time at all".into()),
            Ok(time) => Ok(Self(time)),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_more_than_nothing() {
        assert_eq!("5s".parse(), Ok(Time(Duration::from_secs(5))));
        for bad in ["", "5", "0s", "-1s"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }
}
