//! Why the bus has not done what it was asked, as problems.

use super::Problem;
use crate::core::RedeliverError;
use crate::core::{PublishError, RequestError, SubscribeError};

/// Seconds after which a queue may have room again, or somebody may listen.
const RECOVERY: u16 = 1;

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let detail = error.to_string();
        match error {
            PublishError::TooLarge(_) => Self::too_large(detail),
            PublishError::TooDeep | PublishError::NoRequester => Self::conflict(detail),
            PublishError::QueueFull(_) | PublishError::Draining | PublishError::Unreachable(_) => {
                Self::unavailable(detail, RECOVERY)
            }
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        match error {
            RequestError::Publish(error) => error.into(),
            RequestError::NoReceiver => Self::unavailable(detail, RECOVERY),
            RequestError::TimedOut => Self::gateway_timeout(detail),
            RequestError::NoReply | RequestError::Failed(_) => Self::bad_gateway(detail),
        }
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        Self::unavailable(error.to_string(), RECOVERY)
    }
}

impl From<RedeliverError> for Problem {
    fn from(error: RedeliverError) -> Self {
        let detail = error.to_string();
        match error {
            RedeliverError::Unknown(_) => Self::not_found(detail),
            RedeliverError::Gone(_) => Self::conflict(detail),
            RedeliverError::Publish(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ByteSize, Fault, HandleError, MessageError};

    #[test]
    fn a_request_without_a_reply_says_whose_fault_it_is() {
        let too_large = MessageError::Body {
            size: ByteSize(9),
            limit: ByteSize(8),
        };
        let full = PublishError::QueueFull("orders.*".parse().unwrap());
        for (error, status) in [
            (RequestError::Publish(too_large.into()), 413),
            (RequestError::Publish(full), 503),
            (RequestError::Publish(PublishError::TooDeep), 409),
            (RequestError::Publish(PublishError::Draining), 503),
            (RequestError::NoReceiver, 503),
            (RequestError::TimedOut, 504),
            (RequestError::NoReply, 502),
            (
                RequestError::Failed(HandleError::Fault(Fault::Timeout)),
                502,
            ),
        ] {
            let text = error.to_string();
            let document = Problem::from(error).document();
            assert_eq!(document["status"], status, "{text}");
            assert_eq!(document["detail"], text);
        }
    }

    #[test]
    fn a_letter_that_stays_says_why() {
        let full = PublishError::QueueFull("orders.*".parse().unwrap());
        for (error, status) in [
            (RedeliverError::Unknown(7), 404),
            (RedeliverError::Gone("cart".into()), 409),
            (RedeliverError::Publish(full), 503),
        ] {
            assert_eq!(Problem::from(error).status().as_u16(), status);
        }
        assert_eq!(Problem::from(SubscribeError::TooMany(9)).status(), 503);
    }
}
