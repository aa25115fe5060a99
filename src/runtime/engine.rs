//! Engines: how wasmtime is set up, and the clock that preempts guests.
//!
//! Four kinds, each made when first needed. What a component does not use it does not
//! pay for: component-model concurrency costs a third of a reused call, so components
//! of WASI 0.2 run on an engine without it; fuel metering is compiled into code, so
//! only components with a fuel limit run on an engine that has it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::core::HostBounds;

/// How often a running guest is interrupted to see whether it may go on.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Instances alive at once in one engine, over all components.
const INSTANCES: u32 = 2_000;
/// Core instances, memories and tables: a component has several of each.
const CORE_INSTANCES: u32 = 8_000;
const MAX_CORE_INSTANCES_PER_COMPONENT: u32 = 200;
/// The most memory any limit can grant.
const MAX_MEMORY: usize = 4 << 30;
/// Pages of a memory or table that stay mapped between two instances; the kernel's
/// PAGEMAP_SCAN finds the dirty ones, so a large value costs nothing a request.
const KEEP_RESIDENT: usize = 2_000_000;
/// Bytes of an asynchronous stack that the host may use above the wasm stack.
const HOST_STACK: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EngineKind {
    /// WASI 0.3, or anything else that needs component-model concurrency.
    pub concurrent: bool,
    /// Fuel is counted.
    pub metered: bool,
}

impl EngineKind {
    pub fn index(self) -> usize {
        usize::from(self.concurrent) * 2 + usize::from(self.metered)
    }
}

/// All engines of a process, and the thread that advances their epochs.
pub struct Engines {
    engines: [OnceLock<Engine>; 4],
    bounds: HostBounds,
    pagemap_scan: bool,
}

impl Engines {
    /// Starts the epoch thread, which ends with the last handle.
    pub fn start(bounds: HostBounds) -> std::io::Result<Arc<Self>> {
        let pagemap_scan = kernel_has_pagemap_scan();
        if !pagemap_scan {
            tracing::warn!(
                "this kernel has no PAGEMAP_SCAN (Linux 6.7): fresh instances cost about twice as much"
            );
        }
        let engines = Arc::new(Self {
            engines: Default::default(),
            bounds,
            pagemap_scan,
        });
        let weak = Arc::downgrade(&engines);
        std::thread::Builder::new()
            .name("airgate-epoch".into())
            .spawn(move || tick(&weak))?;
        Ok(engines)
    }

    /// Whether fresh instances are reset page by page (Linux 6.7 and later).
    pub fn pagemap_scan(&self) -> bool {
        self.pagemap_scan
    }

    pub fn bounds(&self) -> &HostBounds {
        &self.bounds
    }

    pub(crate) fn get(&self, kind: EngineKind) -> wasmtime::Result<&Engine> {
        let cell = &self.engines[kind.index()];
        if let Some(engine) = cell.get() {
            return Ok(engine);
        }
        let engine = Engine::new(&config(kind, &self.bounds, self.pagemap_scan))?;
        Ok(cell.get_or_init(|| engine))
    }
}

#[allow(clippy::disallowed_methods, reason = "a thread of its own")]
fn tick(engines: &Weak<Engines>) {
    loop {
        std::thread::sleep(EPOCH_TICK);
        let Some(engines) = engines.upgrade() else {
            return;
        };
        engines
            .engines
            .iter()
            .filter_map(OnceLock::get)
            .for_each(Engine::increment_epoch);
    }
}

/// An engine whose code every engine of `kind` takes, and which can do nothing but
/// compile: it reserves no address space for instances.
pub(crate) fn compiling_engine(kind: EngineKind) -> wasmtime::Result<Engine> {
    Engine::new(&settings(kind, &HostBounds::default()))
}

fn config(kind: EngineKind, bounds: &HostBounds, pagemap_scan: bool) -> Config {
    let mut config = settings(kind, bounds);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(pagemap_scan)));
    config
}

/// Everything that compiled code depends on is here.
fn settings(kind: EngineKind, bounds: &HostBounds) -> Config {
    let wasm_stack = bounds.wasm_stack.0 as usize;
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(kind.metered)
        .concurrency_support(kind.concurrent)
        .wasm_component_model_async(kind.concurrent)
        .wasm_threads(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32))
        .max_wasm_stack(wasm_stack)
        .async_stack_size(wasm_stack + HOST_STACK);
    config
}

fn pool(pagemap_scan: bool) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(CORE_INSTANCES)
        .total_memories(INSTANCES * 2)
        .total_tables(CORE_INSTANCES)
        .total_stacks(INSTANCES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(16)
        .max_tables_per_component(64)
        .max_memory_size(MAX_MEMORY)
        .max_unused_warm_slots(1_000)
        .async_stack_keep_resident(65_536)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(if pagemap_scan {
            Enabled::Yes
        } else {
            Enabled::No
        });
    pool
}

/// Asks wasmtime itself: an engine that insists on PAGEMAP_SCAN cannot be made without it.
fn kernel_has_pagemap_scan() -> bool {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(1)
        .total_core_instances(1)
        .total_component_instances(1)
        .total_tables(1)
        .total_stacks(1)
        .total_gc_heaps(1)
        .max_memory_size(1 << 16)
        .pagemap_scan(Enabled::Yes);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).is_ok()
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use super::*;

    fn compatibility(engine: &Engine) -> u64 {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn code_of_a_compiling_engine_fits_the_one_that_runs_it() {
        let mut seen = Vec::new();
        for (concurrent, metered) in [(false, false), (false, true), (true, false), (true, true)] {
            let kind = EngineKind {
                concurrent,
                metered,
            };
            let running = Engine::new(&config(kind, &HostBounds::default(), false)).unwrap();
            let compiling = compiling_engine(kind).unwrap();
            assert_eq!(compatibility(&running), compatibility(&compiling));
            seen.push(compatibility(&running));
        }
        seen.dedup();
        assert_eq!(seen.len(), 4, "kinds that share code");
    }
}
