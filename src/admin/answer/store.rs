//! Why a store has not done what it was asked, as problems.

use super::Problem;
use crate::core::StoreError;

/// Seconds after which a store that is busy, or out of room, may have recovered.
const RECOVERY: u16 = 1;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Key(_) => Self::bad_request(detail).field("key"),
            StoreError::TooLarge { .. } | StoreError::TooMany(_) => Self::too_large(detail),
            // What is there already stands in the way: less of it, or another value, would do.
            StoreError::QuotaBytes { .. }
            | StoreError::QuotaKeys { .. }
            | StoreError::NotANumber
            | StoreError::Overflow => Self::conflict(detail),
            StoreError::Corrupt(_) => Self::internal(detail),
            // The text says which: whoever sends it again must look first.
            StoreError::Unknown(_) => Self::internal(detail),
            StoreError::Unavailable(_) | StoreError::Busy => Self::unavailable(detail, RECOVERY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ByteSize, KeyError};

    #[test]
    fn every_error_has_its_status() {
        let (size, limit) = (ByteSize(9), ByteSize(8));
        for (error, status) in [
            (StoreError::Key(KeyError::Empty), 400),
            (StoreError::TooLarge { size, limit }, 413),
            (StoreError::TooMany(1_000), 413),
            (
                StoreError::QuotaBytes {
                    wanted: size,
                    limit,
                },
                409,
            ),
            (StoreError::QuotaKeys { limit: 7 }, 409),
            (StoreError::NotANumber, 409),
            (StoreError::Overflow, 409),
            (StoreError::Corrupt("checksum".into()), 500),
            (StoreError::Unavailable("disk full".into()), 503),
            (StoreError::Unknown("the disk failed".into()), 500),
            (StoreError::Busy, 503),
        ] {
            let text = error.to_string();
            let document = Problem::from(error).document();
            assert_eq!(document["status"], status, "{text}");
            assert_eq!(document["detail"], text);
        }
    }
}
