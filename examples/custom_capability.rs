//! Airgate as a library, with an interface of your own that guests can be granted.
//!
//! ```sh
//! cargo run --example custom_capability
//! curl 'http://127.0.0.1:8080/?ip=192.0.2.7'      # 192.0.2.7: ok EU
//! ```
//!
//! It is `acme:geo/lookup@1.0.0` with `country: func(ip: string) -> option<string>`, granted by
//! a table of networks as in `custom_capability/routes.toml`. An argument names another file.

use std::collections::HashMap;
use std::io::{Write as _, stdout};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use airgate::core::Grants;
use airgate::monitoring::{LogStyle, start_log};
use airgate::runtime::{Capabilities, Capability, Guest};
use airgate::system::Server;
use ipnet::IpNet;
use serde_json::Value;
use wasmtime::{StoreContextMut, component::Linker};

/// The key below `custom`, and the label of denials in metrics and audit trail.
const NAME: &str = "geo";
const EXAMPLE: &str = r#"custom = { geo = { table = { "192.0.2.0/24" = "EU" } } }"#;
const ROUTES: &str = "examples/custom_capability/routes.toml";

type Table = Vec<(IpNet, String)>;

/// The capability, with every grant as `check` has read it: no request reads one again.
#[derive(Clone, Default)]
struct Geo(Arc<RwLock<HashMap<Value, Table>>>);

impl Capability for Geo {
    fn name(&self) -> &'static str {
        NAME
    }
    fn purpose(&self) -> &'static str {
        "the country of an address"
    }
    fn imports(&self) -> &'static [&'static str] {
        &["acme:geo/lookup@1."]
    }
    fn is_granted(&self, grants: &Grants) -> bool {
        grants.custom.contains_key(NAME)
    }
    fn example(&self) -> &'static str {
        EXAMPLE
    }

    /// `country` has no error to say it with: without the grant, a call traps and is counted.
    fn denies_by_error(&self) -> bool {
        false
    }

    /// Called for each grant at start and at every reload, before anything of the new
    /// configuration serves. An error keeps all of it from being taken.
    fn check(&self, grant: &Value) -> Result<(), String> {
        let table = read(grant)?;
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tables.insert(grant.clone(), table);
        Ok(())
    }

    /// The function does not wait for anything, so WASI 0.2 and 0.3 share it. For more than a
    /// few functions `wasmtime::component::bindgen!` makes the types from WIT.
    fn link(&self, linker: &mut Linker<Guest>, _concurrent: bool) -> wasmtime::Result<()> {
        let geo = self.clone();
        let country = move |store: StoreContextMut<'_, Guest>, (ip,): (String,)| {
            Ok((geo.country(store.data(), &ip),))
        };
        let mut interface = linker.instance("acme:geo/lookup@1.0.0")?;
        interface.func_wrap("country", country)
    }
}

impl Geo {
    fn country(&self, guest: &Guest, ip: &str) -> Option<String> {
        let Some(grant) = guest.grant(NAME) else {
            // Comes here only where `mode = "audit"`: it is reported, and there is nothing to give.
            let _ = guest
                .guard()
                .deny(NAME, &ip, &"not granted", guest.origin().id);
            return None;
        };
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let ip = ip.parse::<IpAddr>().ok()?.to_canonical();
        let around = tables.get(grant)?.iter().filter(|it| it.0.contains(&ip));
        let narrowest = around.max_by_key(|(network, _)| network.prefix_len())?;
        Some(narrowest.1.clone())
    }
}

/// The error is for the operator, who sees it after the place of the grant.
fn read(grant: &Value) -> Result<Table, String> {
    let only = grant.as_object().filter(|grant| grant.len() == 1);
    let table = only.and_then(|grant| grant.get("table")?.as_object());
    let table = table.ok_or_else(|| format!("expected one table, as in {EXAMPLE}"))?;
    let entries = table.iter().map(|(network, country)| {
        let net = network.parse();
        let net = net.map_err(|_| format!("{network:?} is no network such as 192.0.2.0/24"))?;
        let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|c| c.is_ascii_uppercase());
        let code = country.as_str().filter(is_code);
        let code = code.ok_or_else(|| format!("{country} is not two capital letters"))?;
        Ok((net, code.to_owned()))
    });
    entries.collect()
}

#[tokio::main]
async fn main() -> wasmtime::Result<()> {
    let shown = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(ROUTES);
    let file = std::env::args_os().nth(1).map_or_else(shown, PathBuf::from);
    // Any other key below `custom` is an error, with its line.
    let (config, warnings) = airgate::config::load_with(file, &[NAME])?;
    eprint!("{warnings}");
    let _log = start_log(LogStyle::Text);
    let capabilities = Capabilities::standard().with(Geo::default());
    let server = Server::start(config, capabilities).await?;
    for socket in &server.addresses().sockets {
        writeln!(stdout(), "listening on http://{}", socket.address)?;
    }
    if let Some(admin) = server.addresses().admin {
        writeln!(stdout(), "admin on http://{admin}")?;
    }
    let drained = server.run().await;
    wasmtime::ensure!(drained, "not every request could be finished");
    Ok(())
}
