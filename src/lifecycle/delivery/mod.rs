//! One place for every change of versions and traffic.

mod book;
mod collect;
mod configure;
mod deploy;
mod drive;
mod engine;
mod events;
mod oversee;
mod pins;
mod request;
mod rollouts;
mod steer;
mod tell;

pub use book::Book;
pub use configure::{Orders, Pending, Prepared};
pub use deploy::Deployed;
pub use engine::{Delivery, Stage, Urgency};
pub use events::{Events, Subscription, Told};
pub use request::{
    Change, ChangeError, DeliveryEvent, DeliveryStatus, Deploy, RolloutStatus, VersionStatus,
};
pub use steer::Steering;
