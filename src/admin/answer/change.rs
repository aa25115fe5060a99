//! Why versions and traffic were not changed, as problems.

use super::Problem;
use crate::lifecycle::ChangeError;

/// Seconds after which another node has taken over from one that drains.
const AFTER_DRAIN: u16 = 5;

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::NoComponent(_) => Self::not_found(detail),
            ChangeError::NoVersion { known, .. } => Self::not_found(detail).known(known),
            ChangeError::NameTaken { existing, .. } => Self::conflict(detail).existing(existing),
            ChangeError::Conflict(_) => Self::conflict(detail),
            ChangeError::Changed { actual, .. } => {
                Self::precondition_failed(detail).generation(actual)
            }
            ChangeError::Refused(_) => Self::unprocessable(detail),
            ChangeError::Invalid { field, .. } => Self::unprocessable(detail).field(field),
            ChangeError::Journal(_) => Self::insufficient_storage(detail),
            ChangeError::Draining => Self::unavailable(detail, AFTER_DRAIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Digest;

    #[test]
    fn every_error_has_its_status_and_its_members() {
        let version = || "1.0".parse().unwrap();
        let digest = Digest::new([7; 32]);
        let gone = ChangeError::NoVersion {
            component: "cart".parse().unwrap(),
            version: "2.0".into(),
            known: vec![version()],
        };
        let taken = ChangeError::NameTaken {
            version: version(),
            existing: digest,
        };
        let changed = ChangeError::Changed {
            expected: 4,
            actual: 7,
        };
        let invalid = ChangeError::Invalid {
            field: "steps",
            reason: "must rise".into(),
        };
        let full = ChangeError::Journal(std::io::Error::other("full"));
        for (error, status, member) in [
            (ChangeError::NoComponent("x".into()), 404, None),
            (gone, 404, Some(("known", serde_json::json!(["1.0"])))),
            (taken, 409, Some(("existing", digest.to_string().into()))),
            (ChangeError::Conflict("no rollout".into()), 409, None),
            (changed, 412, Some(("generation", 7.into()))),
            (ChangeError::Refused("no handler".into()), 422, None),
            (invalid, 422, Some(("field", "steps".into()))),
            (full, 507, None),
            (ChangeError::Draining, 503, None),
        ] {
            let text = error.to_string();
            let document = Problem::from(error).document();
            assert_eq!(document["status"], status, "{text}");
            assert_eq!(document["detail"], text);
            if let Some((name, value)) = member {
                assert_eq!(document[name], value, "{text}");
            }
        }
    }
}
