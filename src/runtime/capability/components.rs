//! `components`: calls to `http://NAME.internal/`, in this process, enforced call by call in
//! `outbound`; and what there is to know of them.

use wasmtime::component::Linker;

use super::{Capability, http, services};
use crate::core::Grants;
use crate::runtime::guest::Guest;
use crate::runtime::outbound::COMPONENTS;

pub(super) struct Components;

const IMPORTS: &[&str] = &[http::CLIENT[0], http::CLIENT[1], services::IMPORT];

impl Capability for Components {
    fn name(&self) -> &'static str {
        COMPONENTS
    }

    fn purpose(&self) -> &'static str {
        "calls to http://NAME.internal/, without a socket, and how they are"
    }

    fn imports(&self) -> &'static [&'static str] {
        IMPORTS
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.components.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"components = ["stock"]"#
    }

    fn remains(&self, import: &str) -> Option<&'static str> {
        import
            .starts_with(services::IMPORT)
            .then_some("what it is itself")
    }

    /// Calls are made by the same functions as those of `http`, which links them.
    fn link(&self, linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        services::link(linker)
    }
}
