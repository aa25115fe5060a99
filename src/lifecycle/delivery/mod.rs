//! One place for every change of versions and traffic.

mod engine;
mod events;
mod request;

pub use engine::{Delivery, Deployed, Steering};
pub use events::{Events, Subscription, Told};
pub use request::{
    Change, ChangeError, DeliveryEvent, DeliveryStatus, Deploy, RolloutStatus, VersionStatus,
};
