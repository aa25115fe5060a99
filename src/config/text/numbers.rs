//! Numbers with bounds of their own.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use crate::config::read::{Node, Problems, Shape, decimal, whole_number};

/// Percent of the requests that a step of a rollout gives to the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct Step(pub u8);

/// Percent, and at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct Percent(pub u8);

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::config) struct Share(pub f64);

/// How many times as much: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::config) struct Factor(pub f64);

/// Beyond it nothing is compared at all.
const LARGEST_FACTOR: f64 = 1_000.0;

macro_rules! bounded {
    ($type:ident, $read:ident, $kind:literal, $least:expr, $most:expr) => {
        impl Shape for $type {
            fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
                let number = $read(node, $least, $most, problems)?;
                number.try_into().ok().map(Self)
            }

            fn schema() -> Value {
                json!({ "type": $kind, "minimum": $least, "maximum": $most })
            }
        }
    };
}

bounded!(Step, whole_number, "integer", 1, 99);
bounded!(Percent, whole_number, "integer", 1, 100);
bounded!(Share, decimal, "number", 0.0, 1.0);
bounded!(Factor, decimal, "number", 1.0, LARGEST_FACTOR);

/// From 1 to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct UpTo<const MOST: u32>(pub NonZeroU32);

impl<const MOST: u32> Shape for UpTo<MOST> {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let number = whole_number(node, 1, MOST.into(), problems)?;
        NonZeroU32::new(number.try_into().ok()?).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": MOST })
    }
}

/// From 0 to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct AtMost<const MOST: u32>(pub u32);

impl<const MOST: u32> Shape for AtMost<MOST> {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let number = whole_number(node, 0, MOST.into(), problems)?;
        number.try_into().ok().map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": MOST })
    }
}
