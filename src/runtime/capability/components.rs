//! `components`: calls to `http://NAME.internal/`, in this process. Enforced call by call
//! in `outbound`.

use wasmtime::component::Linker;

use super::{Capability, http};
use crate::core::Grants;
use crate::runtime::guest::Guest;
use crate::runtime::outbound::COMPONENTS;

pub(super) struct Components;

impl Capability for Components {
    fn name(&self) -> &'static str {
        COMPONENTS
    }

    fn purpose(&self) -> &'static str {
        "calls to http://NAME.internal/, without a socket"
    }

    fn imports(&self) -> &'static [&'static str] {
        http::CLIENT
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.components.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"components = ["stock"]"#
    }

    /// The same functions as those of `http`, which links them.
    fn link(&self, _linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        Ok(())
    }
}
