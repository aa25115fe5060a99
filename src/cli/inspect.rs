//! `airgate inspect`: what a component shows of itself.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{exit, print};
use crate::core::{ByteSize, HostBounds, Source};
use crate::lifecycle;
use crate::runtime::{Artifact, Interface, Surface};

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
        let source = Source::Path(self.file.clone());
        let bytes = lifecycle::read(&source, HostBounds::default().artifact);
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

fn json(artifact: &Artifact, surface: &Surface) -> serde_json::Value {
    serde_json::json!({
        "digest": artifact.digest.to_string(),
        "bytes": artifact.bytes.len(),
        "handler": handler(surface),
        "concurrent": surface.concurrent,
        "exports": surface.exports,
        "imports": surface.imports,
    })
}

fn text(artifact: &Artifact, surface: &Surface) -> String {
    let mut text = String::new();
    let size = ByteSize(artifact.bytes.len() as u64);
    let handler = handler(surface).unwrap_or("none: Airgate cannot serve it");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "digest   {}", artifact.digest);
    let _ = writeln!(text, "size     {size}");
    let _ = writeln!(text, "handler  {handler}");
    for (title, names) in [("exports", &surface.exports), ("imports", &surface.imports)] {
        let _ = writeln!(text, "{title}");
        for name in names {
            let _ = writeln!(text, "  {name}");
        }
    }
    text
}
