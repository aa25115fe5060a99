//! Nothing can listen twice on one port.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::config::raw::RawConfig;
use crate::config::read::{Place, Problems};
use crate::config::text::AdminAddress;

use super::admin::DEFAULT_ADDRESS;

pub(super) fn refuse_doubles(raw: &RawConfig, problems: &mut Problems<'_>) {
    let mut taken: HashMap<SocketAddr, &Place> = HashMap::new();
    for (address, place) in addresses(raw) {
        if let Some(first) = taken.insert(address, place) {
            let line = problems.line(first);
            problems
                .error(
                    place,
                    format!("{address} is taken by {}, on line {line}", first.path),
                )
                .related(&first.span, "first used here");
        }
    }
    let admin = raw.admin.value().map(|admin| &admin.listen);
    if let Some(place) = taken
        .get(&DEFAULT_ADDRESS)
        .filter(|_| admin.is_none_or(|listen| listen.is_absent()))
    {
        problems
            .error(
                place,
                format!("{DEFAULT_ADDRESS} is taken by the admin API"),
            )
            .help("set another address in [admin], or another here");
    }
}

/// All that are written down; port 0 is another one each time.
fn addresses(raw: &RawConfig) -> impl Iterator<Item = (SocketAddr, &Place)> {
    let server = raw.server.value();
    let plain = server.and_then(|server| server.listen.value());
    let tls = server.and_then(|server| server.tls.value()?.listen.value());
    let clients = [plain, tls]
        .into_iter()
        .flatten()
        .flatten()
        .map(|at| (at.value, &at.place));
    let admin = raw.admin.value().and_then(|admin| {
        let at = admin.listen.given()?;
        match at.value {
            AdminAddress::Tcp(address) => Some((address, &at.place)),
            AdminAddress::Unix(_) | AdminAddress::Off => None,
        }
    });
    clients
        .chain(admin)
        .filter(|(address, _)| address.port() != 0)
}
