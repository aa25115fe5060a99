//! One instance: a store with an instantiated version in it, armed anew for each request.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;

use super::call::{Call, CallEnd};
use super::cpu::{self, Metered};
use super::error::InvokeError;
use super::exports::{Exports, ExportsPre, Http};
use super::guest::Guest;
use super::join::Joinable;
use super::lane::{Pace, SlowLane};
use super::lifecycle;
use super::reach::Reach;
use crate::core::{ComponentName, Grants, HostBounds, Limits, Origin, Trace, VersionName};

/// What every instance of a version has in common.
pub(crate) struct Recipe {
    pub component: ComponentName,
    pub version: VersionName,
    pub limits: Limits,
    pub bounds: HostBounds,
    pub metered: bool,
    pub pace: Pace,
    pub lane: Arc<SlowLane>,
    pub reach: Reach,
}

/// A version that is compiled and linked.
pub struct Prepared {
    engine: Engine,
    exports: ExportsPre,
    recipe: Arc<Recipe>,
    imports: Vec<String>,
}

impl Prepared {
    pub(crate) fn new(
        engine: Engine,
        exports: ExportsPre,
        recipe: Arc<Recipe>,
        imports: Vec<String>,
    ) -> Self {
        Self {
            engine,
            exports,
            recipe,
            imports,
        }
    }

    /// Whether instances of both take room from each other.
    pub fn shares_engine(&self, other: &Self) -> bool {
        Engine::same(&self.engine, &other.engine)
    }

    pub fn limits(&self) -> &Limits {
        &self.recipe.limits
    }

    /// The names of what its component imports.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    pub fn grants(&self) -> &Arc<Grants> {
        &self.recipe.reach.grants
    }

    /// Whose version this is.
    pub fn name(&self) -> (&ComponentName, &VersionName) {
        (&self.recipe.component, &self.recipe.version)
    }

    /// Whether one instance can serve several requests at once.
    pub fn can_be_concurrent(&self) -> bool {
        self.exports.is_wasi_03()
    }

    pub fn serves_http(&self) -> bool {
        self.exports.serves_http()
    }

    pub fn handles_messages(&self) -> bool {
        self.exports.handles_messages()
    }

    /// Whether it can be asked for its health, and told of its end.
    pub fn is_supervised(&self) -> bool {
        self.exports.is_supervised()
    }

    /// Makes an instance that no request has touched.
    ///
    /// # Errors
    /// Its start code failed or ran over a limit, or the engine has no room.
    pub async fn instantiate(&self) -> Result<Instance, InvokeError> {
        let mut store = Store::new(&self.engine, Guest::new(self.recipe.clone()));
        store.limiter(|host| &mut host.memory);
        store.set_hostcall_fuel(self.recipe.bounds.hostcall_bytes);
        store.epoch_deadline_callback(|store| cpu::on_tick(store.data().recipe().limits.cpu));
        // What an instance sends before its first call could cause that very instance again.
        let deepest = Origin {
            depth: Origin::MAX_DEPTH,
            ..Origin::NONE
        };
        arm(&mut store, deepest)?;
        let start = async {
            let exports = self.exports.instantiate(&mut store).await?;
            lifecycle::initialize(&mut store, &exports).await?;
            Ok::<_, wasmtime::Error>(exports)
        };
        let (exports, _spent) = Metered::new(start).await;
        store.data_mut().end_mail();
        let refused = store.data().memory.refused();
        let exports = exports.map_err(|error| InvokeError::classify(error, refused))?;
        Ok(Instance {
            store,
            exports,
            served: 0,
            joinable: None,
        })
    }
}

/// Fuel, epoch deadline and every per-request allowance of the host.
fn arm(store: &mut Store<Guest>, origin: Origin) -> Result<(), InvokeError> {
    let recipe = store.data().recipe();
    if recipe.metered {
        let fuel = recipe.limits.fuel.unwrap_or(u64::MAX);
        store
            .set_fuel(fuel)
            .map_err(|error| InvokeError::classify(error, false))?;
    }
    store.set_epoch_deadline(1);
    store.data_mut().arm(origin);
    Ok(())
}

/// A store and the version instantiated in it.
pub struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) exports: Exports,
    /// Where other requests may join, once it serves several at a time.
    pub(crate) joinable: Option<Arc<Joinable>>,
    served: u32,
}

/// What one call, or one session of concurrent calls, used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub cpu: Duration,
    /// Units of fuel, where it is metered.
    pub fuel: Option<u64>,
    /// Bytes of linear memory and tables.
    pub memory: u64,
}

impl Instance {
    /// Begins anything but a request; nobody waits for it after `deadline`.
    pub(crate) fn begin(
        &mut self,
        origin: Origin,
        trace: Option<&Trace>,
        deadline: std::time::Instant,
    ) -> Result<(), InvokeError> {
        self.served += 1;
        arm(&mut self.store, origin)?;
        let outgoing = &mut self.store.data_mut().outgoing;
        outgoing.belong_to(trace);
        outgoing.end = CallEnd::at(deadline);
        Ok(())
    }

    /// Begins a request.
    pub(crate) fn arm(&mut self, call: &Call, headers: &HeaderMap) -> Result<(), InvokeError> {
        self.served += 1;
        arm(&mut self.store, call.origin)?;
        let end = CallEnd::of(call, self.limits());
        let guest = self.store.data_mut();
        guest.answers_once = matches!(self.exports.http, Some(Http::Wasi02(_)));
        guest.outgoing.end = end;
        guest.outgoing.follow(headers);
        Ok(())
    }

    pub(crate) fn recipe(&self) -> &Arc<Recipe> {
        self.store.data().recipe()
    }

    pub fn limits(&self) -> &Limits {
        &self.store.data().recipe().limits
    }

    /// Requests it has begun to serve.
    pub fn served(&self) -> u32 {
        self.served
    }

    pub(crate) fn count_joined(&mut self, joined: u32) {
        self.served += joined;
    }

    /// Three quarters of its memory are in use, or it leaves much behind: better not lease it
    /// again.
    pub fn nearly_full(&self) -> bool {
        let guest = self.store.data();
        guest.memory.nearly_full() || guest.leaves_much_behind()
    }

    pub(crate) fn memory_refused(&self) -> bool {
        self.store.data().memory.refused()
    }

    /// The call has ended, and with it what must not outlive it. Answers with what it used.
    pub(crate) fn settle(&mut self, cpu: Duration) -> Usage {
        self.store.data_mut().end_mail();
        self.usage(cpu)
    }

    fn usage(&self, cpu: Duration) -> Usage {
        let data = self.store.data();
        let fuel = match data.recipe().limits.fuel {
            Some(limit) => self
                .store
                .get_fuel()
                .ok()
                .map(|left| limit.saturating_sub(left)),
            None => None,
        };
        Usage {
            cpu,
            fuel,
            memory: data.memory.used() as u64,
        }
    }

    /// A response body of WASI 0.2 that the guest neither finished nor dropped.
    pub(crate) fn has_open_body(&mut self) -> bool {
        has::<HostOutgoingBody>(self.store.data_mut().table())
    }
}

pub(crate) fn has<T: 'static>(table: &mut ResourceTable) -> bool {
    table.iter_mut().any(|entry| entry.is::<T>())
}
