//! Stands where the bus of the node goes, until there is one: nobody listens.

use std::pin::Pin;
use std::sync::Arc;

use crate::core::{
    BusFuture, Inspection, Message, MessageBus, MessageHandler, PublishError, Receipt,
    RequestError, RequestOptions, Spread, SubscribeError, Subscription, Unsubscribe,
};

pub(super) struct NoBus;

impl MessageBus for NoBus {
    fn publish(&self, _: Message, _: Spread) -> BusFuture<'_, Receipt, PublishError> {
        Box::pin(async { Ok(Receipt { receivers: 0 }) })
    }

    fn request(&self, _: Message, _: RequestOptions) -> BusFuture<'_, Vec<Message>, RequestError> {
        Box::pin(async { Err(RequestError::NoReceiver) })
    }

    fn subscribe(
        &self,
        _: Subscription,
        _: Arc<dyn MessageHandler>,
    ) -> Result<Unsubscribe, SubscribeError> {
        Ok(Unsubscribe::by(|| ()))
    }

    fn inspect(&self) -> Inspection {
        Inspection::default()
    }

    fn drain(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}
