//! A component as a receiver of messages: the version is picked by the message's cohort, as
//! for any call between components.

use std::sync::Arc;

use super::directory::Directory;
use crate::component::{InvokeError, Version};
use crate::core::{
    ComponentName, Delivery, Fault, HandleError, HandlerFuture, MessageHandler, RunState,
};

/// Has one component handle messages, whatever of it is deployed at the moment.
pub struct Receiver {
    directory: Arc<Directory>,
    component: ComponentName,
}

impl Receiver {
    pub fn new(directory: Arc<Directory>, component: ComponentName) -> Arc<Self> {
        Arc::new(Self {
            directory,
            component,
        })
    }
}

impl MessageHandler for Receiver {
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        let deployments = self.directory.load();
        let Some(deployment) = deployments.get(&self.component) else {
            return Box::pin(std::future::ready(Err(HandleError::Fault(
                Fault::Unavailable,
            ))));
        };
        let Delivery { message, attempt } = delivery;
        let version = deployment.versions()[deployment.receive(&message)].clone();
        Box::pin(async move {
            let (request, topic) = (message.origin.id, message.topic.clone());
            match version.handle(message, attempt).await {
                Ok(answer) => answer.map_err(HandleError::Refused),
                Err(error) => {
                    let (component, name) = (version.component(), version.name());
                    let (refusal, fault) = (refusal(&version, &error), error.fault());
                    match &refusal {
                        // It is offered again and again, and the bus tells the operator.
                        HandleError::Busy(_) | HandleError::Stopped => tracing::debug!(
                            %component, version = %name, request_id = %request, %topic,
                            fault = fault.label(), "message not taken"
                        ),
                        _ => tracing::warn!(
                            %component, version = %name, request_id = %request, %topic, attempt,
                            fault = fault.label(), %error, "message not handled"
                        ),
                    }
                    Err(refusal)
                }
            }
        })
    }
}

/// What the bus makes of it depends on whether a guest has seen the message.
fn refusal(version: &Version, error: &InvokeError) -> HandleError {
    match error {
        InvokeError::Stopped => match version.state() {
            RunState::Stopped | RunState::Failed => HandleError::Stopped,
            _ => HandleError::Busy(error.fault()),
        },
        InvokeError::Overloaded => HandleError::Busy(error.fault()),
        InvokeError::NoHandler => HandleError::Hopeless(error.to_string()),
        _ => HandleError::Fault(error.fault()),
    }
}
