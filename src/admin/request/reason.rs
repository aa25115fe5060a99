//! Why somebody changes something, in words: it goes to the journal, to logs and to terminals.

use std::str::FromStr;

use crate::admin::answer::Problem;

/// Bytes.
const LONGEST: usize = 512;

/// A reason that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Reason(pub String);

#[derive(Debug, thiserror::Error)]
#[error("a reason has at most {LONGEST} bytes, and no control characters")]
pub(in crate::admin) struct ReasonError;

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        match text.len() <= LONGEST && !text.contains(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err(ReasonError),
        }
    }
}

impl Reason {
    /// The member `reason` of a JSON body.
    ///
    /// # Errors
    /// It cannot be shown.
    pub fn of_member(text: Option<String>) -> Result<Option<String>, Problem> {
        let reason = text.map(|text| text.parse::<Self>()).transpose();
        let reason = reason
            .map_err(|error| Problem::unprocessable(format!("reason: {error}")).field("reason"))?;
        Ok(reason.map(|reason| reason.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_bounded_and_harmless() {
        assert!("5xx on /cart, see #12 – ünlucky".parse::<Reason>().is_ok());
        assert!("x".repeat(LONGEST).parse::<Reason>().is_ok());
        for bad in ["x".repeat(LONGEST + 1), "a\nb".into(), "\u{1b}[2J".into()] {
            let refused = Reason::of_member(Some(bad)).unwrap_err().document();
            assert_eq!(
                (&refused["status"], &refused["field"]),
                (&422.into(), &"reason".into())
            );
        }
    }
}
