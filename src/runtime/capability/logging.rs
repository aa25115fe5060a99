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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::level_filters::LevelFilter;

    use super::*;
    use crate::core::Grants;
    use crate::runtime::capability::testing;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The log of a guest that has nothing but these lines to write.
    fn logged(lines: impl IntoIterator<Item = (Level, String, String)>) -> Vec<Value> {
        let (log, mut guest) = (
            Log::default(),
            testing::guest("cart", testing::services(), Grants::default()),
        );
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(LevelFilter::INFO)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for (level, context, message) in lines {
                guest.log(level, context, message).unwrap();
            }
            drop(guest);
        });
        let text = log.0.lock().unwrap();
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_says_who_wrote_it_and_how_much_it_matters() {
        let levels = [
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
            Level::Critical,
        ];
        let lines = logged(levels.map(|level| (level, "shop".into(), "sold out".into())));
        let levels: Vec<_> = lines.iter().map(|line| &line["level"]).collect();
        assert_eq!(levels, ["INFO", "WARN", "ERROR", "ERROR"]);
        for line in lines {
            let of = |key: &str| line[key].as_str().unwrap().to_owned();
            assert_eq!(
                (of("component"), of("version")),
                ("cart".into(), "1".into())
            );
            assert_eq!(
                (of("context"), of("message")),
                ("shop".into(), "sold out".into())
            );
        }
    }

    #[test]
    fn a_message_stays_on_its_line_and_within_its_bound() {
        let long = "\u{1b}".repeat(1 << 20);
        let lines = logged([
            (Level::Info, long.clone(), "x".into()),
            (Level::Info, "a\nb".into(), long),
        ]);
        assert_eq!(lines[1]["context"], r"a\nb");
        for line in lines {
            let length = |key: &str| line[key].as_str().unwrap().len();
            assert!(length("context") + length("message") <= 8 << 10);
        }
    }

    #[test]
    fn a_request_has_so_many_lines_and_no_more() {
        let level = |n| {
            if n % 2 == 0 {
                Level::Info
            } else {
                Level::Debug
            }
        };
        let lines = logged((0..3_000).map(|n| (level(n), String::new(), n.to_string())));
        assert_eq!(
            lines.len(),
            1_001,
            "what the log does not take costs nothing"
        );
        assert_eq!(lines[999]["message"], "1998");
        assert_eq!(lines[1_000]["dropped"], 500);
    }
}
