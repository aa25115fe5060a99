//! What stands behind a guest's imports: the data of its store.
//!
//! Deny by default: the WASI context has only what the component's grants put into it. It
//! is made when a guest first touches it, which most requests never do.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::call::CallEnd;
use super::capability::messaging::Mail;
use super::capability::{Preparation, StoreState};
use super::guard::Guard;
use super::instance::{Recipe, has};
use super::memory::MemoryLimit;
use super::outbound::Outgoing;
use super::output::{Channel, Printer};
use crate::core::{ComponentName, Origin, RequestId, VersionName};

/// The state of one instance, as host functions see it.
pub struct Guest {
    /// One for each instance, never used again.
    pub(crate) number: u64,
    pub(crate) memory: MemoryLimit,
    pub(crate) outgoing: Outgoing,
    pub(super) mail: Mail,
    pub(crate) stores: StoreState,
    /// Its response goes the way of WASI 0.2.
    pub(crate) answers_once: bool,
    table: ResourceTable,
    http: WasiHttpCtx,
    wasi: Option<Box<Wasi>>,
}

/// Names whose addresses are remembered, an instance.
const NAMES: usize = 64;

/// What checks that run outside the store must know of the instance.
#[derive(Default)]
pub(crate) struct Current(Mutex<CurrentState>);

#[derive(Default)]
struct CurrentState {
    request: Option<RequestId>,
    /// What the guest has looked up, the newest last.
    names: Vec<(String, Vec<IpAddr>)>,
}

impl Current {
    fn lock(&self) -> std::sync::MutexGuard<'_, CurrentState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn request(&self) -> RequestId {
        self.lock().request.unwrap_or(RequestId::NONE)
    }

    fn turn(&self, request: RequestId) {
        self.lock().request = Some(request);
    }

    /// A lookup has led to these addresses.
    pub fn found(&self, name: &str, addresses: &[IpAddr]) {
        let names = &mut self.lock().names;
        names.retain(|(known, _)| known != name);
        if names.len() == NAMES {
            names.remove(0);
        }
        names.push((name.to_owned(), addresses.to_vec()));
    }

    /// The names that have led to this address.
    pub fn names_of(&self, address: IpAddr) -> Vec<String> {
        let address = address.to_canonical();
        let state = self.lock();
        let names = state.names.iter().filter(|(_, all)| all.contains(&address));
        names.map(|(name, _)| name.clone()).collect()
    }
}

/// The part that only guests with a need for it make.
struct Wasi {
    ctx: WasiCtx,
    printer: Arc<Printer>,
    current: Arc<Current>,
}

impl Guest {
    pub(crate) fn new(recipe: Arc<Recipe>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut table = ResourceTable::new();
        table.set_max_capacity(recipe.bounds.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(recipe.bounds.fields.0 as usize);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            memory: MemoryLimit::new(recipe.limits.memory.0),
            outgoing: Outgoing::new(recipe),
            mail: Mail::default(),
            stores: StoreState::default(),
            answers_once: false,
            table,
            http,
            wasi: None,
        }
    }

    pub(crate) fn recipe(&self) -> &Arc<Recipe> {
        &self.outgoing.recipe
    }

    /// Begins another request with every per-request allowance whole again.
    pub(crate) fn arm(&mut self, origin: Origin) {
        self.turn(origin.id);
        self.outgoing.arm(origin);
    }

    /// Another request comes in beside those that are served.
    pub(crate) fn join(&mut self, origin: Origin, end: CallEnd) {
        self.turn(origin.id);
        self.outgoing.join(origin);
        self.outgoing.end.join(end);
    }

    /// How long it may wait for others now, without running out of its own time.
    pub(crate) fn patience(&mut self, now: Instant) -> Duration {
        let timeout = self.recipe().limits.timeout;
        // What WASI 0.2 answers with is gone once it has answered.
        let is_answered = self.answers_once && !has::<HostResponseOutparam>(&mut self.table);
        self.outgoing.end.patience(timeout, is_answered, now)
    }

    /// What is printed and denied from now on belongs to this request.
    fn turn(&mut self, request: RequestId) {
        self.memory.forget_refusal();
        if let Some(wasi) = &self.wasi {
            wasi.printer.turn(request);
            wasi.current.turn(request);
        }
    }

    /// Whose code this is.
    pub fn component(&self) -> &ComponentName {
        &self.recipe().component
    }

    pub fn version(&self) -> &VersionName {
        &self.recipe().version
    }

    /// The request that is served; where an instance serves several at once, the one that
    /// came last.
    pub fn origin(&self) -> Origin {
        self.outgoing.origin
    }

    /// What `[component.NAME.capabilities.custom]` grants under this name.
    pub fn grant(&self, capability: &str) -> Option<&Value> {
        self.recipe().reach.grants.custom.get(capability)
    }

    /// Where a host function reports what it refuses.
    pub fn guard(&self) -> &Guard {
        &self.recipe().reach.guard
    }

    /// The instance's resources.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(crate) fn current(&mut self) -> &Arc<Current> {
        &self.wasi().current
    }

    /// Where everything goes that it has to say.
    pub(crate) fn printer(&mut self) -> &Printer {
        &self.wasi().printer
    }

    fn wasi(&mut self) -> &mut Wasi {
        Wasi::of(&mut self.wasi, &self.outgoing)
    }
}

impl Wasi {
    fn of<'a>(wasi: &'a mut Option<Box<Self>>, outgoing: &Outgoing) -> &'a mut Self {
        wasi.get_or_insert_with(|| Self::make(&outgoing.recipe, outgoing.origin.id))
    }

    fn make(recipe: &Arc<Recipe>, request: RequestId) -> Box<Self> {
        let printer = Printer::new(recipe.clone(), request);
        let current = Arc::<Current>::default();
        current.turn(request);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(printer.channel(Channel::Stdout))
            .stderr(printer.channel(Channel::Stderr))
            .max_random_size(recipe.bounds.random.0);
        let instance = Preparation {
            recipe,
            current: &current,
        };
        for capability in recipe.reach.services.capabilities.iter() {
            capability.prepare(&instance, &mut wasi);
        }
        Box::new(Self {
            ctx: wasi.build(),
            printer,
            current,
        })
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = Wasi::of(&mut self.wasi, &self.outgoing);
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outgoing,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
