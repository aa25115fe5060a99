//! From what goes wrong on the bus to what a client is told.

use crate::core::{
    Fault, HandleError, MessageError, ProxyError, PublishError, RequestError, RequestId, Topic,
};

/// The fault of a message that was not taken or not replied to. The log has the rest.
pub(super) fn told(error: &RequestError, topic: &Topic, id: RequestId) -> Fault {
    let fault = of(error);
    let label = fault.label();
    match error {
        RequestError::Publish(
            PublishError::TooLarge(_) | PublishError::QueueFull(_) | PublishError::Draining,
        ) => {
            tracing::debug!(%topic, request_id = %id, fault = label, %error, "message refused");
        }
        _ => tracing::warn!(%topic, request_id = %id, fault = label, %error, "message failed"),
    }
    fault
}

fn of(error: &RequestError) -> Fault {
    match error {
        RequestError::Publish(error) => of_publish(error),
        RequestError::NoReceiver => Fault::Unavailable,
        RequestError::TimedOut => Fault::Timeout,
        RequestError::NoReply => Fault::NoResponse,
        RequestError::Failed(HandleError::Fault(fault) | HandleError::Busy(fault)) => fault.clone(),
        RequestError::Failed(HandleError::Stopped) => Fault::Unavailable,
        RequestError::Failed(HandleError::Refused(_) | HandleError::Hopeless(_)) => {
            Fault::GuestError(ProxyError::HttpProtocolError)
        }
    }
}

fn of_publish(error: &PublishError) -> Fault {
    match error {
        PublishError::TooLarge(error) => bounds(error),
        PublishError::QueueFull(_) => Fault::Overloaded,
        PublishError::Draining => Fault::Draining,
        PublishError::TooDeep | PublishError::NoRequester | PublishError::Unreachable(_) => {
            Fault::Unavailable
        }
    }
}

/// Metadata comes from the head.
pub(super) fn bounds(error: &MessageError) -> Fault {
    match error {
        MessageError::Body { .. } => Fault::BodyTooLarge,
        MessageError::Entries(_) | MessageError::Metadata(_) => Fault::HeadTooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_what_they_can_act_on() {
        let queue = PublishError::QueueFull("a".parse().unwrap());
        let too_many = PublishError::TooLarge(MessageError::Entries(1));
        let lost = PublishError::Unreachable("secret".into());
        let refused = HandleError::Refused("secret".into());
        for (error, fault) in [
            (queue.into(), Fault::Overloaded),
            (too_many.into(), Fault::HeadTooLarge),
            (PublishError::Draining.into(), Fault::Draining),
            (lost.into(), Fault::Unavailable),
            (RequestError::NoReceiver, Fault::Unavailable),
            (RequestError::TimedOut, Fault::Timeout),
            (RequestError::NoReply, Fault::NoResponse),
            (
                RequestError::Failed(HandleError::Fault(Fault::OutOfFuel)),
                Fault::OutOfFuel,
            ),
            (
                RequestError::Failed(refused),
                Fault::GuestError(ProxyError::HttpProtocolError),
            ),
        ] {
            let told = told(&error, &"a".parse().unwrap(), RequestId::NONE);
            assert_eq!(told, fault, "{error}");
        }
    }
}
