//! `[component.NAME.affinity]`: by what a client is known. Exactly one thing.

use crate::config::raw::RawAffinity;
use crate::config::read::{At, Problems, present};
use crate::core::Affinity;

use super::headers;

pub(super) fn affinity(raw: &At<RawAffinity>, problems: &mut Problems<'_>) -> Option<Affinity> {
    expect_one(raw, problems);
    if let Some(header) = raw.header.given() {
        headers::refuse_hop_by_hop(header, problems);
    }
    if let Some(client_ip) = raw.client_ip.given().filter(|wanted| !wanted.value) {
        problems
            .error(&client_ip.place, "`client_ip = false` means nothing")
            .help("leave it out");
    }
    let header = raw.header.value().cloned().map(Affinity::Header);
    let cookie = raw.cookie.value();
    let cookie = cookie.map(|cookie| Affinity::Cookie(cookie.0.clone()));
    let address = raw.client_ip.value().map(|_| Affinity::ClientIp);
    header.or(cookie).or(address)
}

fn expect_one(raw: &At<RawAffinity>, problems: &mut Problems<'_>) {
    let named = present([
        ("header", !raw.header.is_absent()),
        ("cookie", !raw.cookie.is_absent()),
        ("client_ip", !raw.client_ip.is_absent()),
    ]);
    match named[..] {
        [_] => {}
        [] => {
            problems
                .error(&raw.place, "nothing says by what a client is known")
                .help("write header = \"x-user-id\", cookie = \"session\" or client_ip = true");
        }
        _ => {
            let named = named.join(" and ");
            let message = format!("a client is known by one thing, found {named}");
            problems
                .error(&raw.place, message)
                .help("leave out the others");
        }
    }
}
