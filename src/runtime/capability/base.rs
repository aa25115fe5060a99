//! What every guest has: streams to wait for, lines, stdout and stderr into the log, an exit.
//! None of it leads anywhere, so nothing of it is granted.

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::cli as p2;
use wasmtime_wasi::p3::bindings::cli as p3;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView as _};
use wasmtime_wasi_io::bindings::wasi::io;

use super::logging;
use crate::runtime::guest::Guest;

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

macro_rules! link_all {
    ($linker:ident, $data:ty, $get:expr; $($interface:path),* $(,)?) => {$({
        use $interface as interface;
        interface::add_to_linker::<Guest, $data>($linker, $get)?;
    })*};
}

pub(in crate::runtime) fn link(
    linker: &mut Linker<Guest>,
    concurrent: bool,
) -> wasmtime::Result<()> {
    link_all!(linker, Table, Guest::table; io::error, io::poll, io::streams);
    link_all!(linker, WasiCli, Guest::cli;
        p2::exit, p2::stdin, p2::stdout, p2::stderr,
        p2::terminal_input, p2::terminal_output,
        p2::terminal_stdin, p2::terminal_stdout, p2::terminal_stderr,
    );
    logging::link(linker)?;
    let options = wasmtime_wasi_http::p2::bindings::LinkOptions::default();
    wasmtime_wasi_http::p2::bindings::http::types::add_to_linker::<Guest, WasiHttp>(
        linker,
        &(&options).into(),
        Guest::http,
    )?;
    if concurrent {
        link_all!(linker, WasiCli, Guest::cli;
            p3::exit, p3::stdin, p3::stdout, p3::stderr,
            p3::terminal_input, p3::terminal_output,
            p3::terminal_stdin, p3::terminal_stdout, p3::terminal_stderr,
        );
        link_all!(linker, WasiHttp, Guest::http; wasmtime_wasi_http::p3::bindings::http::types);
    }
    Ok(())
}
