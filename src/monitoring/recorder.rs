//! The metrics recorder: installed once a process, rendered by the admin listener.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::names::{self, Kind};

/// The recorder could not be made or installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the metrics recorder: {0}")]
pub struct RecorderError(String);

/// Renders all metrics in the Prometheus text format.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

impl Recorder {
    /// Makes every handle of the `metrics` crate record here.
    ///
    /// # Errors
    /// Another recorder is installed already.
    pub fn install() -> Result<Self, RecorderError> {
        let fail = |error: &dyn std::fmt::Display| RecorderError(error.to_string());
        let mut builder = PrometheusBuilder::new();
        for (kind, name, unit, _) in names::DESCRIPTIONS {
            if matches!(kind, Kind::Histogram) {
                let buckets = names::buckets(name, *unit);
                builder = builder
                    .set_buckets_for_metric(Matcher::Full((*name).into()), buckets)
                    .map_err(|error| fail(&error))?;
            }
        }
        let handle = builder.install_recorder().map_err(|error| fail(&error))?;
        for (kind, name, unit, help) in names::DESCRIPTIONS {
            match kind {
                Kind::Counter => metrics::describe_counter!(*name, *unit, *help),
                Kind::Gauge => metrics::describe_gauge!(*name, *unit, *help),
                Kind::Histogram => metrics::describe_histogram!(*name, *unit, *help),
            }
        }
        let process = metrics_process::Collector::default();
        process.describe();
        let version = env!("CARGO_PKG_VERSION");
        metrics::gauge!(names::BUILD_INFO, "version" => version).set(1.0);
        Ok(Self { handle, process })
    }

    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Folds recorded samples into their buckets: what was recorded since the last call
    /// is held one by one, so this must be called every few seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Whether this kernel resets fresh instances page by page.
    pub fn set_pagemap_scan(&self, available: bool) {
        metrics::gauge!(names::PAGEMAP_SCAN).set(f64::from(u8::from(available)));
    }
}
