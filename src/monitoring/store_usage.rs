//! What components have in the stores, as it was when somebody last looked.

use std::collections::HashMap;

use metrics::Gauge;

use super::names;
use crate::core::{ComponentName, StoreName, Stores, Usage};

/// Series of one store: whoever comes later is not shown, so that components that come and go
/// do not fill the metrics.
const COMPONENTS: usize = 1_000;

/// The gauges; whoever looks after the stores keeps one, and refreshes it every few seconds.
#[derive(Default)]
pub struct StoreUsage {
    stores: HashMap<StoreName, HashMap<ComponentName, Shown>>,
}

struct Shown {
    bytes: Gauge,
    keys: Gauge,
}

impl StoreUsage {
    /// Asks every store, one after the other. A store that does not answer keeps what it had.
    pub async fn refresh(&mut self, stores: &dyn Stores) {
        let names = stores.names();
        for (name, shown) in &mut self.stores {
            if !names.contains(name) {
                show(name, shown, &[]);
            }
        }
        for name in names {
            let Some(store) = stores.store(&name) else {
                continue;
            };
            match store.spaces().await {
                Ok(spaces) => show(&name, self.stores.entry(name.clone()).or_default(), &spaces),
                Err(error) => tracing::debug!(store = %name, %error, "cannot tell what is used"),
            }
        }
    }
}

/// Whoever has nothing any more has 0: a series cannot be taken back.
fn show(
    store: &StoreName,
    shown: &mut HashMap<ComponentName, Shown>,
    spaces: &[(ComponentName, Usage)],
) {
    for (_, gauges) in shown.iter().filter(|(known, _)| !has(spaces, known)) {
        gauges.set(Usage::default());
    }
    for (component, usage) in spaces {
        if !shown.contains_key(component) {
            if shown.len() == COMPONENTS {
                continue;
            }
            shown.insert(component.clone(), Shown::new(store, component));
        }
        if let Some(gauges) = shown.get(component) {
            gauges.set(*usage);
        }
    }
}

/// `spaces` are in the order of their names.
fn has(spaces: &[(ComponentName, Usage)], component: &ComponentName) -> bool {
    let found = spaces.binary_search_by(|(name, _)| name.cmp(component));
    found.is_ok()
}

impl Shown {
    fn new(store: &StoreName, component: &ComponentName) -> Self {
        let labels = [
            ("store", store.to_string()),
            ("component", component.to_string()),
        ];
        Self {
            bytes: metrics::gauge!(names::KV_BYTES, &labels),
            keys: metrics::gauge!(names::KV_KEYS, &labels),
        }
    }

    fn set(&self, usage: Usage) {
        self.bytes.set(usage.bytes as f64);
        self.keys.set(usage.keys as f64);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn usage(component: &str, keys: u64) -> (ComponentName, Usage) {
        let usage = Usage { bytes: 10, keys };
        (component.parse().unwrap(), usage)
    }

    #[test]
    fn who_has_nothing_any_more_has_none() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let store = "default".parse().unwrap();
        let mut shown = HashMap::new();
        metrics::with_local_recorder(&recorder, || {
            show(&store, &mut shown, &[usage("cart", 3), usage("stock", 4)]);
            show(&store, &mut shown, &[usage("stock", 5)]);
        });
        let text = recorder.handle().render();
        let keys = |component: &str| {
            let labels = format!(r#"{{store="default",component="{component}"}} "#);
            let series = format!("{}{labels}", names::KV_KEYS);
            let line = text.lines().find_map(|line| line.strip_prefix(&series));
            line.map(str::to_owned)
        };
        assert_eq!(keys("cart").as_deref(), Some("0"), "{text}");
        assert_eq!(keys("stock").as_deref(), Some("5"), "{text}");
    }

    #[test]
    fn components_that_come_and_go_do_not_fill_the_metrics() {
        let store = "default".parse().unwrap();
        let mut shown = HashMap::new();
        for n in 0..2 * COMPONENTS {
            show(&store, &mut shown, &[usage(&format!("c{n}"), 1)]);
        }
        assert_eq!(shown.len(), COMPONENTS);
    }
}
