//! Stands where stores, bus and supervision of the node go, until they are wired.

use std::pin::Pin;
use std::sync::Arc;

use crate::admin::{DeadLetter, DeadLetters, RedeliverError};
use crate::core::{
    BusFuture, Inspection, KvStore, Message, MessageBus, MessageHandler, PublishError, Receipt,
    RequestError, RequestOptions, Spread, StoreName, Stores, SubscribeError, Subscription,
    Unsubscribe,
};

pub(super) struct Unwired;

impl Stores for Unwired {
    fn store(&self, _: &StoreName) -> Option<Arc<dyn KvStore>> {
        None
    }

    fn names(&self) -> Vec<StoreName> {
        Vec::new()
    }
}

impl DeadLetters for Unwired {
    fn list(&self, _: usize) -> Vec<DeadLetter> {
        Vec::new()
    }

    fn redeliver(&self, id: u64) -> Result<(), RedeliverError> {
        Err(RedeliverError::Unknown(id))
    }

    fn discard(&self, _: u64) -> bool {
        false
    }
}

impl MessageBus for Unwired {
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
