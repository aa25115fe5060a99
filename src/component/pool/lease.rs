//! An instance of a pool while it serves.

use std::sync::Arc;

use super::Pool;
use crate::component::seats::Seat;
use crate::core::Reuse;
use crate::runtime::{Instance, InvokeError, Lease, Usage};

/// An instance of the pool, for one call.
pub(crate) struct PoolLease {
    pub(super) pool: Arc<Pool>,
    pub(super) instance: Option<Instance>,
    pub(super) generation: u32,
    // After the instance: whoever gets the seat next must see it in the pool.
    pub(super) _seat: Seat,
}

impl Lease for PoolLease {
    #[allow(
        clippy::expect_used,
        reason = "only `finish` takes it, and consumes the lease"
    )]
    fn instance(&mut self) -> &mut Instance {
        self.instance
            .as_mut()
            .expect("a lease has its instance until it is finished")
    }

    fn is_reusable(&self) -> bool {
        self.pool.policy.reuse != Reuse::Fresh
    }

    fn judge(&mut self, result: &Result<(), InvokeError>) {
        let served = self.instance().served();
        self.pool.judge_reuse(served, result);
    }

    fn finish(mut self, usage: Usage, result: Result<(), InvokeError>) {
        self.pool.maker.record(usage);
        let Some(instance) = self.instance.take() else {
            return;
        };
        if result.is_ok() {
            self.pool.give_back(instance, self.generation);
        }
    }
}
