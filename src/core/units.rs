//! Durations and sizes as people write them: "250ms", "5s", "64KiB".

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Text that is no duration or size, and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("expected a duration such as \"250ms\", \"5s\", \"1m\" or \"2h\"")]
    Duration,
    #[error("expected a size such as \"512\", \"64KiB\", \"10MiB\" or \"1GiB\"")]
    Size,
    #[error("the number is too large")]
    Overflow,
}

/// A number of bytes, written with binary units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

/// Parses one whole number with the unit `us`, `ms`, `s`, `m` or `h`.
///
/// # Errors
/// Anything else, and what does not fit into 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split_number(text).ok_or(UnitError::Duration)?;
    let seconds = |factor: u64| {
        let seconds = number
            .checked_mul(factor)
            .filter(|s| *s <= u64::MAX / 1_000);
        seconds.map(Duration::from_secs).ok_or(UnitError::Overflow)
    };
    match unit {
        "us" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        _ => Err(UnitError::Duration),
    }
}

/// Writes a duration in the largest unit that [`parse_duration`] reads back exactly.
pub fn format_duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    let units = [
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
    ];
    match units
        .iter()
        .find(|(_, size)| micros >= *size && micros.is_multiple_of(*size))
    {
        Some((unit, size)) => format!("{}{unit}", micros / size),
        None if micros == 0 => "0s".into(),
        None => format!("{micros}us"),
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text).ok_or(UnitError::Size)?;
        let factor: u64 = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(UnitError::Size),
        };
        number
            .checked_mul(factor)
            .map(Self)
            .ok_or(UnitError::Overflow)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            if self.0 >= 1 << shift && self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1m"), Ok(Duration::from_secs(60)));
        for bad in ["", "5", "s", "-1s", "1.5s", "1 s", "1d", "5S"] {
            assert_eq!(parse_duration(bad), Err(UnitError::Duration), "{bad:?}");
        }
        assert_eq!(
            parse_duration("18446744073709551615h"),
            Err(UnitError::Overflow)
        );
    }

    #[test]
    fn durations_round_trip() {
        for text in ["0s", "250ms", "5s", "90s", "1m", "2h", "7us"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
    }

    #[test]
    fn sizes_read_as_written_and_round_trip() {
        assert_eq!("64KiB".parse(), Ok(ByteSize(65_536)));
        for text in ["0", "1", "1000", "64KiB", "10MiB", "4GiB"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for bad in ["", "KiB", "1KB", "1kib", "-1", "1.5MiB"] {
            assert_eq!(bad.parse::<ByteSize>(), Err(UnitError::Size), "{bad:?}");
        }
        assert_eq!(
            "18446744073709551615GiB".parse::<ByteSize>(),
            Err(UnitError::Overflow)
        );
    }
}
