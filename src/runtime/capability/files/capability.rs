//! The grant, and what an instance gets of it.

use wasmtime::component::Linker;
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::{p2, p3};
use crate::core::{FileMode, Grants};
use crate::runtime::capability::{Capability, Preparation};
use crate::runtime::guest::Guest;

pub(in crate::runtime::capability) struct Files;

pub(super) const NAME: &str = "files";

impl Capability for Files {
    fn name(&self) -> &'static str {
        NAME
    }

    fn purpose(&self) -> &'static str {
        "files below these directories"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:filesystem/"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.files.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"files = [{ source = "static", at = "/assets", mode = "read" }]"#
    }

    fn is_usual(&self) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        use wasmtime_wasi::p2::bindings::filesystem;
        filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, Guest::filesystem)?;
        filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, Guest::filesystem)?;
        if concurrent {
            wasmtime_wasi::p3::filesystem::add_to_linker(linker)?;
        }
        // The same functions again, with an ear for their refusals.
        linker.allow_shadowing(true);
        p2::listen(linker)?;
        if concurrent {
            p3::listen(linker)?;
        }
        linker.allow_shadowing(false);
        Ok(())
    }

    fn prepare(&self, instance: &Preparation<'_>, wasi: &mut WasiCtxBuilder) {
        for grant in &instance.grants().files {
            let permissions = match grant.mode {
                FileMode::Read => FsPerms::ReadOnly,
                FileMode::ReadWrite => FsPerms::ReadWrite,
            };
            if let Err(error) = wasi.preopened_dir(&grant.source, &grant.at, permissions) {
                let (component, _) = instance.name();
                let source = grant.source.display();
                tracing::warn!(%component, %source, "cannot open a granted directory: {error:#}");
            }
        }
    }
}
