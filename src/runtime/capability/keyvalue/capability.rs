//! The grant, and the interfaces behind it.

use wasmtime::component::{HasSelf, Linker};

use super::{draft, draft2};
use crate::core::Grants;
use crate::runtime::bindings::core::storage;
use crate::runtime::capability::Capability;
use crate::runtime::guest::Guest;

pub(in crate::runtime::capability) struct Keyvalue;

pub(super) const NAME: &str = "keyvalue";

impl Capability for Keyvalue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn purpose(&self) -> &'static str {
        "values in these stores"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:keyvalue/", "airssys:core/storage"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.keyvalue.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"keyvalue = { default = "read-write" }"#
    }

    fn link(&self, linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        draft::link(linker)?;
        draft2::link(linker)?;
        storage::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
    }
}
