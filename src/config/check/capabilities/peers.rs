//! In-process calls: which components may be called, and `http` grants that do not lead to them.

use std::collections::HashMap;

use crate::config::raw::RawCapabilities;
use crate::config::read::{At, Place, Problems};
use crate::core::{ComponentName, HostGrant, HttpGrant, HttpScheme, PortGrant};

use super::super::component::Components;

/// `http://NAME.internal/` is a component.
const ZONE: &str = ".internal";

pub(super) fn check(
    raw: &RawCapabilities,
    own: &ComponentName,
    components: &mut Components,
    problems: &mut Problems<'_>,
) {
    let mut first: HashMap<&ComponentName, &Place> = HashMap::new();
    for name in raw.components.value().into_iter().flatten() {
        if let Some(place) = first.get(&name.value) {
            let message = format!(
                "{} is there twice, first on line {}",
                name.value,
                problems.line(place)
            );
            problems
                .warn(&name.place, message)
                .related(&place.span, "first granted here");
        } else if name.value == *own {
            problems
                .warn(
                    &name.place,
                    format!("{own} may call itself: it can go round in a loop"),
                )
                .help("a loop ends with an error where calls are 16 deep");
        } else {
            components.expect(&name.value, &name.place, problems);
        }
        first.entry(&name.value).or_insert(&name.place);
    }
    for grant in raw.http.value().into_iter().flatten() {
        check_http(grant, raw, components, problems);
    }
}

fn check_http(
    grant: &At<HttpGrant>,
    raw: &RawCapabilities,
    components: &Components,
    problems: &mut Problems<'_>,
) {
    match &grant.host {
        HostGrant::Below(parent) if *parent == ZONE[1..] && may_be_call(grant) => {
            problems
                .warn(
                    &grant.place,
                    format!("{} grants no calls to components", grant.value),
                )
                .help("those are granted by name: components = [ … ]");
        }
        HostGrant::Name(host) => {
            if let Some(name) = host.strip_suffix(ZONE) {
                check_internal(grant, name, raw, components, problems);
            }
        }
        _ => {}
    }
}

/// Components are called in plain HTTP on its own port; anything else leads to a server.
fn may_be_call(grant: &HttpGrant) -> bool {
    let port = grant.scheme.default_port();
    let is_usual = matches!(grant.port, PortGrant::Any) || grant.port == PortGrant::One(port);
    grant.scheme == HttpScheme::Http && is_usual
}

/// A grant for `http://NAME.internal`, with any scheme and port.
fn check_internal(
    grant: &At<HttpGrant>,
    name: &str,
    raw: &RawCapabilities,
    components: &Components,
    problems: &mut Problems<'_>,
) {
    // A name with dots may be a host of the operator's, unless it is granted as a component.
    let mut granted = raw.components.value().into_iter().flatten();
    let is_granted = granted.any(|one| one.as_str().eq_ignore_ascii_case(name));
    if name.contains('.') && !is_granted {
        return;
    }
    let known = components.named(name);
    let help = match (is_granted, known) {
        (true, _) => "`components` grants it already: leave it out here".into(),
        (false, Some(known)) => format!("write components = [{:?}] instead", known.as_str()),
        (false, None) => "such hosts are components of this gateway, granted by `components`; \
            a server's name has more parts, such as db.prod.internal"
            .into(),
    };
    let grant_text = &grant.value;
    if may_be_call(grant) && grant.port != PortGrant::Any {
        let message = format!("{grant_text} can never match: calls to it stay in this process");
        problems.error(&grant.place, message).help(help);
    } else if known.is_some() {
        let message = format!("{grant_text} leads to a server, not to the component {name}");
        problems.warn(&grant.place, message).help(help);
    }
}
