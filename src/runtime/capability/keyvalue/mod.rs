//! `keyvalue`: stores, through both drafts of `wasi:keyvalue` and `airssys:core/storage`. A
//! guest sees what belongs to its component, as far as its grants go; every refusal is
//! reported. Bounded by the stores' quotas, by 1,000 keys a call, and by what one answer and
//! the handles of one instance may hold.

mod alarm;
mod bucket;
mod capability;
mod cas;
mod cursor;
mod draft;
mod draft2;
mod refusal;
mod state;
mod storage;
#[cfg(test)]
mod testing;
mod visit;

pub use bucket::Bucket;
pub use cas::Cas;

pub(in crate::runtime) use alarm::StoreAlarm;
pub(super) use capability::Keyvalue;
pub(in crate::runtime) use state::StoreState;

use capability::NAME;
use refusal::Refusal;
use visit::Visit;
