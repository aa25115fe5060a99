//! How traffic moves from one version to the next, and what must hold meanwhile.

use std::time::Duration;

use http::HeaderName;
use serde::{Deserialize, Serialize};

/// What a request is known by, so that the same one meets the same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affinity {
    /// The value of a header field.
    Header(HeaderName),
    /// The value of a cookie (RFC 6265 §5.4).
    Cookie(String),
    /// The address of the client, as trusted proxies tell it.
    ClientIp,
}

/// The order in which versions get their traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// A small share first, more of it after each interval that goes well.
    Canary,
    /// All of it at once, watched for one interval; the old version stays ready.
    BlueGreen,
    /// Equal steps, one an interval, whatever happens meanwhile.
    Rolling,
    /// All of it at once.
    #[default]
    Immediate,
}

/// What becomes of a step whose numbers say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnInconclusive {
    /// The step goes on until there are enough requests.
    #[default]
    Hold,
    Rollback,
}

/// A request of the operator's that must be answered with 2xx before a step ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    /// `http://` or `https://`.
    pub url: String,
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// `[component.NAME.rollout]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutPolicy {
    pub strategy: Strategy,
    /// Percent of the requests that the candidate gets, rising, each 1 to 99; 100 follows
    /// by itself.
    pub steps: Vec<u8>,
    /// How long a step lasts.
    #[serde(with = "millis")]
    pub interval: Duration,
    /// Fewer of the candidate's requests in a step say nothing.
    pub min_requests: u64,
    /// Share of the candidate's requests that may fail, 0 to 1.
    pub max_error_rate: f64,
    /// Candidate's p99 by stable's p99 over the same window; `None`: not compared.
    pub max_p99_ratio: Option<f64>,
    pub on_inconclusive: OnInconclusive,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<HttpCheck>,
}

impl RolloutPolicy {
    /// Where `steps` is not set.
    pub fn default_steps(strategy: Strategy) -> Vec<u8> {
        match strategy {
            Strategy::Canary => vec![5, 25, 50],
            Strategy::Rolling => vec![20, 40, 60, 80],
            Strategy::BlueGreen | Strategy::Immediate => Vec::new(),
        }
    }
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            steps: Vec::new(),
            interval: Duration::from_secs(60),
            min_requests: 200,
            max_error_rate: 0.01,
            max_p99_ratio: None,
            on_inconclusive: OnInconclusive::default(),
            check: None,
        }
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
