//! Room for one more instance where an engine is full: somebody's idle one gives way.
//!
//! All components of an engine share its instances. Whoever serves has its place; an instance that
//! only waits to be used again, or an actor that only remembers, is worth less than a request that
//! would be refused. The fleet with the most idle ones gives up the one that was idle for longest.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fleet::{Fleet, WeakFleet};
use crate::runtime::Prepared;

/// The fleets of all versions of a node. Holds none of them.
#[derive(Default)]
pub(crate) struct Slots(Mutex<Vec<WeakFleet>>);

impl Slots {
    pub fn join(&self, fleet: &Fleet) {
        let mut fleets = self.lock();
        fleets.retain(WeakFleet::is_there);
        fleets.push(fleet.downgrade());
    }

    /// Makes room in the engine of `prepared`; answers whether anybody gave way.
    pub async fn make_room(&self, prepared: &Prepared) -> bool {
        match self.idlest(prepared) {
            Some(fleet) => fleet.give_way().await,
            None => false,
        }
    }

    fn idlest(&self, prepared: &Prepared) -> Option<Fleet> {
        let fleets: Vec<Fleet> = self.lock().iter().filter_map(WeakFleet::upgrade).collect();
        let neighbours = fleets
            .into_iter()
            .filter(|it| it.maker().prepared().shares_engine(prepared));
        let idle = neighbours.map(|it| (it.dispensable(), it));
        let idle = idle.filter(|(count, _)| *count > 0);
        idle.max_by_key(|(count, _)| *count).map(|(_, it)| it)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<WeakFleet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
