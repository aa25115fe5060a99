//! Numbers as they stand in a verdict: short, but never so short that a number above its
//! bound reads as the bound.

/// Significant digits of a number that is far from its bound.
const FEWEST: i32 = 3;
/// A double has no more.
const MOST: i32 = 15;

/// With three significant digits.
pub(super) fn short(value: f64) -> String {
    digits(value, FEWEST)
}

/// Both with as few digits as keep them apart.
pub(super) fn apart(value: f64, bound: f64) -> (String, String) {
    let texts = |count| (digits(value, count), digits(bound, count));
    let distinct = (FEWEST..MOST)
        .map(texts)
        .find(|(value, bound)| value != bound);
    distinct.unwrap_or_else(|| texts(FEWEST))
}

fn digits(value: f64, count: i32) -> String {
    let magnitude = match value.abs().log10().floor() {
        magnitude if magnitude.is_finite() => magnitude as i32,
        _ => 0,
    };
    let decimals = (count - 1 - magnitude).clamp(0, MOST) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        for (value, text) in [
            (0.0, "0"),
            (60.0, "60"),
            (20.145, "20.1"),
            (2.398, "2.4"),
            (1_234.5, "1234"),
            (0.041_23, "0.0412"),
            (100.0, "100"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn what_is_above_its_bound_reads_so() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(apart(20.1, 1.0), pair("20.1", "1"));
        assert_eq!(apart(1.000_04, 1.0), pair("1.00004", "1"));
        assert_eq!(apart(1.0, 1.0), pair("1", "1"));
    }

    #[test]
    fn no_number_is_too_odd_to_be_written() {
        for value in [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, -0.0] {
            assert!(!short(value).is_empty());
            assert!(!apart(value, value).0.is_empty());
        }
    }
}
