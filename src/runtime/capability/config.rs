//! `config`: values for `wasi:config`, among them secrets: they go to the guest and nowhere
//! else.

use wasmtime::component::{HasSelf, Linker};

use super::Capability;
use crate::core::Grants;
use crate::runtime::guest::Guest;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/config.wit",
        world: "imports",
        imports: { default: trappable },
    });
}

use bindings::wasi::config::store::{Error, Host, add_to_linker};

pub(super) struct Config;

const NAME: &str = "config";

impl Capability for Config {
    fn name(&self) -> &'static str {
        NAME
    }

    fn purpose(&self) -> &'static str {
        "values and secrets by wasi:config"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:config/"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.config.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"config = { currency = "EUR", api_key = { file = "/run/secrets/api_key" } }"#
    }

    fn link(&self, linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
    }
}

impl Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let reach = &self.recipe().reach;
        if let Some(value) = reach.grants.config.get(&key) {
            return Ok(Ok(Some(value.expose().to_owned())));
        }
        // Audit mode has nothing to give either.
        let _ = reach
            .guard
            .deny(NAME, &key, &"no such key is granted", self.origin().id);
        Ok(Ok(None))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let values = self.recipe().reach.grants.config.iter();
        let values = values.map(|(key, value)| (key.clone(), value.expose().to_owned()));
        Ok(Ok(values.collect()))
    }
}
