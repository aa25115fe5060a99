//! What stands behind a guest's imports: the data of its store.
//!
//! Deny by default: the WASI context has no environment, no arguments, no directories and
//! no network. It is made when a guest first touches it, which most requests never do.

use std::sync::{Arc, LazyLock};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx,
    WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::instance::Recipe;
use super::memory::MemoryLimit;
use super::output::{Channel, Printer};
use crate::core::RequestId;

/// Bytes of one write to a response body that the host buffers; two of them at most.
const BODY_CHUNK: usize = 64 << 10;

pub(crate) struct Host {
    pub memory: MemoryLimit,
    pub hooks: Hooks,
    recipe: Arc<Recipe>,
    request: RequestId,
    table: ResourceTable,
    http: WasiHttpCtx,
    wasi: Option<Box<Wasi>>,
}

/// The part that only guests with a need for it make.
struct Wasi {
    ctx: WasiCtx,
    printer: Arc<Printer>,
}

impl Host {
    pub fn new(recipe: Arc<Recipe>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(recipe.bounds.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(recipe.bounds.fields.0 as usize);
        Self {
            memory: MemoryLimit::new(recipe.limits.memory.0),
            hooks: Hooks {
                outbound_left: recipe.limits.outbound_requests,
            },
            request: RequestId::NONE,
            recipe,
            table,
            http,
            wasi: None,
        }
    }

    pub fn recipe(&self) -> &Arc<Recipe> {
        &self.recipe
    }

    /// Begins another request with every per-request allowance whole again.
    pub fn arm(&mut self, request: RequestId) {
        self.request = request;
        self.memory.forget_refusal();
        self.hooks.outbound_left = self.recipe.limits.outbound_requests;
        if let Some(wasi) = &self.wasi {
            wasi.printer.turn(request);
        }
    }

    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    fn make_wasi(recipe: &Arc<Recipe>, request: RequestId) -> Box<Wasi> {
        let printer = Printer::new(recipe.clone(), request);
        let ctx = WasiCtxBuilder::new()
            .stdout(printer.channel(Channel::Stdout))
            .stderr(printer.channel(Channel::Stderr))
            .max_random_size(recipe.bounds.random.0)
            .allow_ip_name_lookup(false)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Box::new(Wasi { ctx, printer })
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self
            .wasi
            .get_or_insert_with(|| Self::make_wasi(&self.recipe, self.request));
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Policy of `wasi:http`: no outbound request is granted yet, so each one is denied.
pub(crate) struct Hooks {
    outbound_left: u32,
}

type SendFuture = Box<
    dyn Future<
            Output = Result<
                (
                    http::Response<WasiBody>,
                    Box<dyn Future<Output = Result<(), Error>> + Send>,
                ),
                Error,
            >,
        > + Send,
>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        static FILTER: LazyLock<ForbiddenHeaderFilter> =
            LazyLock::new(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)));
        FILTER.clone()
    }

    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _result: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> SendFuture {
        let error = match self.outbound_left.checked_sub(1) {
            Some(left) => {
                self.outbound_left = left;
                Error::HttpRequestDenied
            }
            None => Error::ConnectionLimitReached,
        };
        Box::new(async { Err(error) })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }
}
