//! What the records add up to: every component as it is after the last of them.

use std::collections::BTreeMap;

use super::Record;
use crate::core::ComponentName;
use crate::lifecycle::state::ComponentState;

/// The components that are delivered, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    components: BTreeMap<ComponentName, ComponentState>,
    last_seq: u64,
}

impl Ledger {
    /// Takes over what a record led to.
    pub fn apply(&mut self, record: &Record) {
        match &record.after {
            Some(state) => {
                self.components
                    .insert(record.component.clone(), state.clone());
            }
            None => {
                self.components.remove(&record.component);
            }
        }
        self.count_from(record.seq);
    }

    /// The next number is above `seq`.
    pub(super) fn count_from(&mut self, seq: u64) {
        self.last_seq = self.last_seq.max(seq);
    }

    pub fn get(&self, component: &ComponentName) -> Option<&ComponentState> {
        self.components.get(component)
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&ComponentName, &ComponentState)> {
        self.components.iter()
    }

    /// The number that the journal gives to the next record, from 1.
    pub fn next_seq(&self) -> u64 {
        self.last_seq.saturating_add(1)
    }
}
