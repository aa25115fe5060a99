//! The functions by which a component is supervised: `airssys:core/component-lifecycle`.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;

use super::bindings::core::types;
use super::error::{InvokeError, NoHandler, NotInitialized};
use super::exports::Exports;
use super::guest::Guest;
use super::invoke::Lease;
use super::solo;
use crate::core::{ComponentMetadata, Health, HealthStatus, Origin};

/// Bytes of a text that a component says of itself.
const TEXT: usize = 1024;

/// Calls `initialize`, where a component has it, with what `config` grants.
pub(super) async fn initialize(
    store: &mut Store<Guest>,
    exports: &Exports,
) -> wasmtime::Result<()> {
    let Some(component) = &exports.lifecycle else {
        return Ok(());
    };
    let grants = store.data().recipe().reach.grants.clone();
    let entries = grants.config.iter();
    let entries = entries.map(|(key, value)| (key.clone(), value.expose().to_owned()));
    let config: Vec<_> = entries.collect();
    let lifecycle = component.airssys_core_component_lifecycle();
    let answer = lifecycle.call_initialize(&mut *store, &config).await?;
    answer.map_err(|error| wasmtime::Error::new(NotInitialized(cut(error.to_string()))))
}

/// Asks a component how it is.
///
/// # Errors
/// It does not answer as it should, or cannot be asked.
pub async fn health<L: Lease>(mut lease: L, timeout: Duration) -> Result<Health, InvokeError> {
    let until = begin(&mut lease, timeout)?;
    let answer = solo::run(lease, until, |instance| {
        Box::pin(async move {
            let component = instance.exports.lifecycle.as_ref().ok_or(NoHandler)?;
            let lifecycle = component.airssys_core_component_lifecycle();
            lifecycle.call_health(&mut instance.store).await
        })
    });
    let health = answer.await?;
    let status = match health.status {
        types::HealthStatus::Healthy => HealthStatus::Healthy,
        types::HealthStatus::Degraded => HealthStatus::Degraded,
        types::HealthStatus::Unhealthy => HealthStatus::Unhealthy,
    };
    Ok(Health {
        status,
        detail: health.detail.map(cut),
    })
}

/// Asks a component what it says of itself.
///
/// # Errors
/// It does not answer as it should, or cannot be asked.
pub async fn metadata<L: Lease>(
    mut lease: L,
    timeout: Duration,
) -> Result<ComponentMetadata, InvokeError> {
    let until = begin(&mut lease, timeout)?;
    let answer = solo::run(lease, until, |instance| {
        Box::pin(async move {
            let component = instance.exports.lifecycle.as_ref().ok_or(NoHandler)?;
            let lifecycle = component.airssys_core_component_lifecycle();
            lifecycle.call_metadata(&mut instance.store).await
        })
    });
    let metadata = answer.await?;
    Ok(ComponentMetadata {
        name: cut(metadata.name),
        version: cut(metadata.version),
        description: cut(metadata.description),
    })
}

/// Tells an instance that it ends, and waits for it. Its lease should not put it back.
///
/// # Errors
/// It did not end well, or not in time.
pub async fn shutdown<L: Lease>(mut lease: L, timeout: Duration) -> Result<(), InvokeError> {
    let until = begin(&mut lease, timeout)?;
    let deadline = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    let answer = solo::run(lease, until, move |instance| {
        Box::pin(async move {
            let component = instance.exports.lifecycle.as_ref().ok_or(NoHandler)?;
            let lifecycle = component.airssys_core_component_lifecycle();
            let answer = lifecycle
                .call_shutdown(&mut instance.store, deadline)
                .await?;
            answer.map_err(|error| wasmtime::Error::new(NotInitialized(cut(error.to_string()))))
        })
    });
    answer.await
}

/// Begins a call that no request has caused. What it causes itself is counted by an id of its
/// own.
fn begin<L: Lease>(lease: &mut L, timeout: Duration) -> Result<Instant, InvokeError> {
    let until = Instant::now() + timeout;
    let origin = Origin::NONE.identified();
    lease.instance().begin(origin, None, until.into_std())?;
    Ok(until)
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT));
    text
}
