//! What happens to messages at their subscribers. The topic of a series is the pattern that was
//! subscribed to, never the topic of a message; all patterns of those who only watch are one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::names;
use crate::core::{BusObserver, MessageOutcome, Subscription, SubscriptionObserver};

/// The topic of a watcher, whatever it is. No pattern looks like it.
const ANY: &str = "(any)";

/// Counts what happens on a bus.
pub struct BusMetrics;

impl BusObserver for BusMetrics {
    fn subscription(&self, subscription: &Subscription) -> Arc<dyn SubscriptionObserver> {
        Arc::new(SubscriptionMetrics::new(subscription))
    }
}

/// The series of one subscription.
struct SubscriptionMetrics {
    labels: [(&'static str, String); 2],
    /// Made when the outcome is first seen: most subscriptions never have most of them.
    outcomes: [OnceLock<Counter>; MessageOutcome::ALL.len()],
    latency: Histogram,
}

impl SubscriptionMetrics {
    fn new(subscription: &Subscription) -> Self {
        // Series are never removed: what is typed must not make one.
        let topic = match subscription.is_ad_hoc() {
            true => ANY.to_owned(),
            false => subscription.spec.topic.to_string(),
        };
        let labels = [
            ("topic", topic),
            ("subscriber", subscription.subscriber.to_string()),
        ];
        Self {
            latency: metrics::histogram!(names::BUS_LATENCY, &labels),
            outcomes: Default::default(),
            labels,
        }
    }

    fn counter(&self, outcome: MessageOutcome) -> Counter {
        let [topic, subscriber] = self.labels.clone();
        let labels = [topic, subscriber, ("result", outcome.as_str().to_owned())];
        metrics::counter!(names::BUS_MESSAGES, &labels)
    }
}

impl SubscriptionObserver for SubscriptionMetrics {
    fn count(&self, outcome: MessageOutcome) {
        let counter = || self.counter(outcome);
        self.outcomes[outcome as usize]
            .get_or_init(counter)
            .increment(1);
    }

    fn handled_after(&self, latency: Duration) {
        self.latency.record(latency);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::core::SubscriptionSpec;

    #[test]
    fn watchers_make_one_series_whatever_they_watch() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            for pattern in ["orders.*", "orders.eu.>", ">"] {
                let watcher = Subscription {
                    subscriber: Subscription::WATCHER.into(),
                    spec: SubscriptionSpec::to(pattern.parse().unwrap()),
                };
                let observer = BusMetrics.subscription(&watcher);
                observer.count(MessageOutcome::Handled);
                observer.handled_after(Duration::from_millis(1));
            }
        });
        let text = handle.render();
        let labels = r#"{topic="(any)",subscriber="(admin)","#;
        let counted = format!("{}{labels}result=\"handled\"}} 3", names::BUS_MESSAGES);
        assert!(text.contains(&counted), "{text}");
        assert!(!text.contains("orders"), "{text}");
    }

    #[test]
    fn outcomes_are_counted_by_pattern_and_subscriber() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let subscription = Subscription {
                subscriber: "stock".into(),
                spec: SubscriptionSpec::to("orders.*".parse().unwrap()),
            };
            let observer = BusMetrics.subscription(&subscription);
            for outcome in MessageOutcome::ALL {
                observer.count(outcome);
            }
            observer.count(MessageOutcome::Handled);
            observer.handled_after(Duration::from_millis(1));
        });
        let text = handle.render();
        let series = |result: &str, count: u32| {
            format!(
                r#"{}{{topic="orders.*",subscriber="stock",result="{result}"}} {count}"#,
                names::BUS_MESSAGES
            )
        };
        assert!(text.contains(&series("handled", 2)), "{text}");
        for outcome in &MessageOutcome::ALL[1..] {
            assert!(text.contains(&series(outcome.as_str(), 1)), "{text}");
        }
        let latencies = format!("{}_count", names::BUS_LATENCY);
        assert!(text.contains(&latencies), "{text}");
    }
}
