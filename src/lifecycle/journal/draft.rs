//! A change that is about to be written down.

use super::{Action, Record};
use crate::core::{ComponentName, Timestamp, VersionName};
use crate::lifecycle::state::{ComponentState, Verdict};

/// A record without its number and its time, which the journal gives it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The name of a token, `configuration`, or `analysis`.
    pub by: String,
    pub component: ComponentName,
    pub action: Action,
    pub version: Option<VersionName>,
    pub reason: Option<String>,
    pub verdict: Option<Verdict>,
    /// `None`: the component is gone.
    pub after: Option<ComponentState>,
}

impl Draft {
    /// The record that it becomes.
    pub fn numbered(self, seq: u64, at: Timestamp) -> Record {
        Record {
            seq,
            at,
            by: self.by,
            component: self.component,
            action: self.action,
            version: self.version,
            reason: self.reason,
            verdict: self.verdict,
            after: self.after,
        }
    }
}
