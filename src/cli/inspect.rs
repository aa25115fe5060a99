//! `airgate inspect`: what a component shows of itself, and what it would need to be granted.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{exit, print};
use crate::core::{ByteSize, HostBounds};
use crate::lifecycle;
use crate::runtime::{Artifact, Capabilities, Capability, Interface, MessageInterface, Surface};

#[derive(Args)]
pub(super) struct Inspect {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> u8 {
        match self.inspect() {
            Ok((artifact, surface)) => {
                print::out(&if self.json {
                    format!("{:#}\n", json(&artifact, &surface))
                } else {
                    text(&artifact, &surface)
                });
                0
            }
            Err(reason) => {
                print::error(&format_args!("{}: {reason}", self.file.display()));
                exit::FAILED
            }
        }
    }

    fn inspect(&self) -> Result<(Artifact, Surface), String> {
        let bytes = lifecycle::read_path(&self.file, HostBounds::default().artifact);
        let bytes = bytes.map_err(|error| error.to_string())?;
        let artifact = Artifact::from_bytes(bytes, None).map_err(|error| error.to_string())?;
        let surface = artifact.surface().map_err(|error| error.to_string())?;
        Ok((artifact, surface))
    }
}

fn handler(surface: &Surface) -> Option<&'static str> {
    surface.interface().map(|interface| match interface {
        Interface::Wasi02 => "WASI 0.2 (wasi:http/incoming-handler)",
        Interface::Wasi03 => "WASI 0.3 (wasi:http/handler)",
    })
}

fn messages(surface: &Surface) -> Option<&'static str> {
    let handlers = surface.handlers()?;
    handlers.messages.map(|interface| match interface {
        MessageInterface::Wasi => "wasi:messaging/incoming-handler",
        MessageInterface::Wasmcloud => "wasmcloud:messaging/handler",
    })
}

/// Whether it can be asked for its health, and told of its end.
fn is_supervised(surface: &Surface) -> bool {
    surface.handlers().is_some_and(|it| it.lifecycle)
}

fn json(artifact: &Artifact, surface: &Surface) -> serde_json::Value {
    let capabilities = Capabilities::standard();
    let needs: serde_json::Map<_, _> = surface
        .imports
        .iter()
        .map(|import| (import.clone(), keys(&capabilities, import).into()))
        .collect();
    serde_json::json!({
        "digest": artifact.digest.to_string(),
        "bytes": artifact.bytes.len(),
        "handler": handler(surface),
        "messages": messages(surface),
        "lifecycle": is_supervised(surface),
        "concurrent": surface.concurrent,
        "exports": surface.exports,
        "imports": surface.imports,
        "capabilities": needs,
    })
}

fn text(artifact: &Artifact, surface: &Surface) -> String {
    let mut text = String::new();
    let size = ByteSize(artifact.bytes.len() as u64);
    let (handler, messages) = (handler(surface), messages(surface));
    let handler = handler.unwrap_or(match messages {
        Some(_) => "none: no route can lead to it",
        None => "none: Airgate cannot serve it",
    });
    // Writing to a string cannot fail.
    let _ = writeln!(text, "digest   {}", artifact.digest);
    let _ = writeln!(text, "size     {size}");
    let _ = writeln!(text, "handler  {handler}");
    if let Some(messages) = messages {
        let _ = writeln!(text, "messages {messages}");
    }
    if is_supervised(surface) {
        let _ = writeln!(text, "life     airssys:core/component-lifecycle");
    }
    let _ = writeln!(text, "exports");
    for name in &surface.exports {
        let _ = writeln!(text, "  {name}");
    }
    let capabilities = Capabilities::standard();
    let width = surface.imports.iter().map(String::len).max().unwrap_or(0);
    let _ = writeln!(text, "imports, and by which capability they are granted");
    for name in &surface.imports {
        let keys = keys(&capabilities, name).join(" or ");
        let _ = writeln!(text, "  {}", format!("{name:width$}  {keys}").trim_end());
    }
    write_grants(&mut text, surface, &capabilities);
    text
}

/// The keys that grant an import; none where it is harmless.
fn keys(capabilities: &Capabilities, import: &str) -> Vec<&'static str> {
    capabilities.behind(import).map(|it| it.name()).collect()
}

/// Lines for `routes.toml`: all that it could use, to be cut down to what it shall have.
fn write_grants(text: &mut String, surface: &Surface, capabilities: &Capabilities) {
    let is_used = |it: &&dyn Capability| surface.imports.iter().any(|name| it.covers(name));
    let mut used = capabilities.iter().filter(is_used).peekable();
    if used.peek().is_none() {
        let _ = writeln!(text, "it needs no grants");
        return;
    }
    let _ = writeln!(
        text,
        "to paste into routes.toml, and to cut down to what it shall have"
    );
    let _ = writeln!(text, "  [component.NAME.capabilities]");
    for capability in used {
        let _ = writeln!(text, "  # {}", capability.purpose());
        let _ = writeln!(text, "  {}", capability.example());
    }
}
