//! Where `http` and `sockets` lead: to public addresses, or inside too.

use std::fmt::Display;

use crate::config::raw::RawCapabilities;
use crate::config::read::{Field, List, Place, Problems};
use crate::core::{HostGrant, has_global, is_global};

pub(super) fn check(raw: &RawCapabilities, problems: &mut Problems<'_>) {
    let Some(private) = private_networks(raw) else {
        return;
    };
    for (host, text, place) in all(raw) {
        match private {
            true => warn_of_everything(host, text, place, problems),
            false => refuse_private(host, text, place, problems),
        }
    }
    warn_of_no_effect(raw, problems);
}

/// `None`: nobody knows what was meant.
fn private_networks(raw: &RawCapabilities) -> Option<bool> {
    match &raw.private_networks {
        Field::Absent => Some(false),
        Field::Given(private) => Some(private.value),
        Field::Unreadable => None,
    }
}

/// The host of every grant that leads outside, with its text and place.
fn all(raw: &RawCapabilities) -> impl Iterator<Item = (&HostGrant, &dyn Display, &Place)> {
    let http = raw.http.value().into_iter().flatten();
    let http = http.map(|at| (&at.host, &at.value as &dyn Display, &at.place));
    let sockets = raw.sockets.value().into_iter().flatten();
    let sockets = sockets.map(|at| (&at.host, &at.value as &dyn Display, &at.place));
    http.chain(sockets)
}

fn refuse_private(
    host: &HostGrant,
    text: &dyn Display,
    place: &Place,
    problems: &mut Problems<'_>,
) {
    let why = match host {
        HostGrant::Address(address) if !is_global(*address) => "is not a public address",
        HostGrant::Network(network) if !has_global(*network) => "has no public address",
        HostGrant::Name(name) | HostGrant::Below(name) if is_local(name) => "is this machine",
        _ => return,
    };
    problems
        .error(place, format!("{text} can never match: {host} {why}"))
        .help("write private_networks = true to let grants lead inside");
}

/// RFC 6761 §6.3.
fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn warn_of_everything(
    host: &HostGrant,
    text: &dyn Display,
    place: &Place,
    problems: &mut Problems<'_>,
) {
    let is_everything = match host {
        HostGrant::Any => true,
        HostGrant::Network(network) => network.prefix_len() == 0,
        _ => false,
    };
    if is_everything {
        problems
            .warn(place, format!("{text} may reach everything, also inside"))
            .help("name the hosts, or leave private_networks out");
    }
}

fn warn_of_no_effect(raw: &RawCapabilities, problems: &mut Problems<'_>) {
    let grants_nothing = is_empty(&raw.http) && is_empty(&raw.sockets);
    let private = raw.private_networks.given().filter(|private| private.value);
    if let Some(private) = private.filter(|_| grants_nothing) {
        problems
            .warn(
                &private.place,
                "private_networks has no effect without `http` or `sockets`",
            )
            .help("grant what shall be reached there");
    }
}

/// What cannot be read was meant to grant something.
fn is_empty<T>(field: &Field<List<T>>) -> bool {
    match field {
        Field::Absent => true,
        Field::Given(list) => list.is_empty(),
        Field::Unreadable => false,
    }
}
