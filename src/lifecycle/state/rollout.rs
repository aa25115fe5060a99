//! A rollout, and what its verdicts were made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Traffic;
use crate::core::{RolloutPolicy, Strategy, Timestamp, VersionName};

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Running,
    /// Nothing moves forward; a failure still rolls back.
    Paused,
    /// The candidate has all traffic.
    Promoted,
    /// Its own numbers, or an operator, brought it back.
    RolledBack,
    /// An operator ended it before the candidate had all traffic.
    Aborted,
    /// The configuration named something newer.
    Superseded,
}

impl Phase {
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// The timed change of traffic to one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The number of the record that began it.
    pub id: u64,
    pub candidate: VersionName,
    /// The traffic before: what a rollback restores.
    pub from: Traffic,
    pub policy: RolloutPolicy,
    /// The place in [`Rollout::percentages`].
    pub step: usize,
    pub phase: Phase,
    /// Who began it.
    pub by: String,
    pub started: Timestamp,
    /// When its step, or its phase, last changed.
    pub changed: Timestamp,
    /// Why it ended, or why it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl Rollout {
    /// The candidate's percent of the traffic, step by step; the last is 100.
    pub fn percentages(&self) -> Vec<u8> {
        let steps = match self.policy.strategy {
            Strategy::Canary | Strategy::Rolling => &self.policy.steps[..],
            Strategy::BlueGreen | Strategy::Immediate => &[],
        };
        steps.iter().copied().chain([100]).collect()
    }

    /// The candidate's percent of the traffic at its step.
    pub fn percent(&self) -> u8 {
        self.percentages().get(self.step).copied().unwrap_or(100)
    }
}

/// What a verdict says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Fail,
    /// The numbers say nothing.
    Inconclusive,
}

/// A judgement on a candidate, with the numbers that it used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub outcome: Outcome,
    /// In words, with the number that decided and its bound.
    pub reason: String,
    /// Milliseconds over which both were counted.
    pub window_ms: u64,
    pub candidate: Numbers,
    pub stable: Numbers,
}

/// What one version, or several together, did in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Numbers {
    pub requests: u64,
    /// Faults of the component, and answers with a status of 500 or above.
    pub errors: u64,
    /// Of those: the guest trapped, exited, ran out of fuel, or gave no response.
    pub traps: u64,
    /// Of those: it missed its deadline or used up its cpu time.
    pub timeouts: u64,
    /// Of those: it died of its memory limit.
    pub memory: u64,
    /// Time to the response head that 99 of 100 requests stayed below, in milliseconds;
    /// absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

impl Numbers {
    /// 0 to 1.
    pub fn error_rate(&self) -> f64 {
        self.errors as f64 / self.requests.max(1) as f64
    }
}
