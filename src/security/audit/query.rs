//! Which events somebody wants to see: the parameters of `GET /v1/audit`.

use serde::Deserialize;

use super::event::{Event, Kind, by_text};
use crate::core::{ComponentName, Timestamp};

/// What is not said does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    pub kind: Option<Kind>,
    #[serde(with = "by_text")]
    pub component: Option<ComponentName>,
    pub capability: Option<String>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// How many, the newest first; at most [`Query::LARGEST`].
    pub limit: usize,
}

impl Query {
    pub const LARGEST: usize = 1_000;

    pub(super) fn limit(&self) -> usize {
        self.limit.min(Self::LARGEST)
    }

    pub(super) fn matches(&self, event: &Event) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        is(self.kind, Some(event.kind))
            && is(self.component.as_ref(), event.component.as_ref())
            && is(self.capability.as_deref(), event.capability.as_deref())
            && self.since.is_none_or(|since| event.time >= since)
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            kind: None,
            component: None,
            capability: None,
            since: None,
            limit: 100,
        }
    }
}
