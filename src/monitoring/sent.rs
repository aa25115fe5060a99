//! What components send over the bus, and what becomes of it. Topics are no labels: a component
//! that is granted a wildcard could make any number of them.

use std::sync::OnceLock;

use metrics::Counter;

use super::names;
use crate::core::ComponentName;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendKind {
    Publish,
    Request,
    Reply,
}

impl SendKind {
    const COUNT: usize = 3;

    fn label(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Request => "request",
            Self::Reply => "reply",
        }
    }
}

/// What becomes of it: the closed set of `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendResult {
    Ok,
    Invalid,
    Denied,
    TooLarge,
    QueueFull,
    Loop,
    NoReceiver,
    NoRequester,
    TimedOut,
    NoReply,
    Failed,
    Cancelled,
    /// More than one request, or one instance, may send or hold.
    Exhausted,
    Unavailable,
}

impl SendResult {
    const COUNT: usize = Self::Unavailable as usize + 1;

    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::TooLarge => "too_large",
            Self::QueueFull => "queue_full",
            Self::Loop => "loop",
            Self::NoReceiver => "no_receiver",
            Self::NoRequester => "no_requester",
            Self::TimedOut => "timed_out",
            Self::NoReply => "no_reply",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Exhausted => "exhausted",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The series of one component; each is made when its labels are first seen.
pub struct SendMetrics {
    component: String,
    counters: [[OnceLock<Counter>; SendResult::COUNT]; SendKind::COUNT],
}

impl SendMetrics {
    pub fn new(component: &ComponentName) -> Self {
        Self {
            component: component.to_string(),
            counters: Default::default(),
        }
    }

    pub fn count(&self, kind: SendKind, result: SendResult) {
        let counter = || {
            let labels = [
                ("component", self.component.clone()),
                ("kind", kind.label().to_owned()),
                ("result", result.label().to_owned()),
            ];
            metrics::counter!(names::BUS_SENT, &labels)
        };
        self.counters[kind as usize][result as usize]
            .get_or_init(counter)
            .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn sends_are_counted_by_kind_and_result() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let metrics = SendMetrics::new(&"cart".parse().unwrap());
            metrics.count(SendKind::Publish, SendResult::Ok);
            metrics.count(SendKind::Publish, SendResult::Ok);
            metrics.count(SendKind::Reply, SendResult::Unavailable);
        });
        let text = handle.render();
        for (kind, result, count) in [("publish", "ok", 2), ("reply", "unavailable", 1)] {
            let series = format!(
                r#"{}{{component="cart",kind="{kind}",result="{result}"}} {count}"#,
                names::BUS_SENT
            );
            assert!(text.contains(&series), "{text}");
        }
    }
}
