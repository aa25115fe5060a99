//! `wasi:logging`, as the draft of that version and without any version: lines for the
//! operator's log. They lead nowhere else, so nothing of it is granted; `output` bounds them.

use wasmtime::component::{HasSelf, Linker};

use crate::runtime::guest::Guest;
use crate::runtime::output::Severity;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/logging.wit",
        world: "imports",
        imports: { default: trappable },
    });
}

use bindings::wasi::logging::logging::{Host, Level, add_to_linker};

/// As components import it that were made before it had a version.
const UNVERSIONED: &str = "wasi:logging/logging";

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    let mut interface = linker.instance(UNVERSIONED)?;
    interface.func_wrap("log", |mut store, line: (Level, String, String)| {
        let (level, context, message) = line;
        store.data_mut().log(level, context, message)
    })
}

impl Host for Guest {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        let severity = match level {
            Level::Trace => Severity::Trace,
            Level::Debug => Severity::Debug,
            Level::Info => Severity::Info,
            Level::Warn => Severity::Warn,
            Level::Error | Level::Critical => Severity::Error,
        };
        self.printer().line(severity, &context, &message);
        Ok(())
    }
}
