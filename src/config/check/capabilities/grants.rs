//! All grants of one component.

use std::collections::BTreeMap;

use crate::config::raw::RawCapabilities;
use crate::config::read::{Entries, Entry, Field, Problems};
use crate::core::{ComponentName, GrantMode, Grants, KvAccess, StoreName};

use super::super::Premises;
use super::super::component::Components;
use super::super::server::values;
use super::{covered, files, network, peers, values as secrets};

pub(in crate::config::check) fn grants(
    raw: &RawCapabilities,
    name: &ComponentName,
    components: &mut Components,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Grants {
    network::check(raw, problems);
    covered::warn_of_covered(&raw.http, problems);
    covered::warn_of_covered(&raw.sockets, problems);
    covered::warn_of_covered_topics(&raw.publish, problems);
    covered::warn_of_covered_topics(&raw.request, problems);
    peers::check(raw, name, components, problems);
    warn_of_audit(raw, problems);
    let default = Grants::default();
    let around = premises.around;
    Grants {
        http: values(&raw.http),
        private_networks: raw.private_networks.or(default.private_networks),
        components: values(&raw.components),
        environment: secrets::environment(&raw.environment, around, problems),
        config: secrets::config(&raw.config, around, problems),
        files: files::files(&raw.files, premises, problems),
        sockets: values(&raw.sockets),
        keyvalue: keyvalue(&raw.keyvalue),
        publish: values(&raw.publish),
        request: values(&raw.request),
        clocks: raw.clocks.or(default.clocks),
        random: raw.random.or(default.random),
        custom: secrets::custom(&raw.custom, around, problems),
        mode: raw.mode.or(default.mode),
    }
}

/// That there are such stores is looked at where the stores are.
fn keyvalue(field: &Field<Entries<StoreName, KvAccess>>) -> BTreeMap<StoreName, KvAccess> {
    let entries = field.value().into_iter().flat_map(|entries| &entries.0);
    let grant =
        |entry: &Entry<StoreName, KvAccess>| Some((entry.key.value.clone(), *entry.value.value()?));
    entries.filter_map(grant).collect()
}

fn warn_of_audit(raw: &RawCapabilities, problems: &mut Problems<'_>) {
    if let Some(mode) = raw
        .mode
        .given()
        .filter(|mode| mode.value == GrantMode::Audit)
    {
        problems
            .warn(
                &mode.place,
                "nothing is denied: what is not granted is only counted and logged",
            )
            .help("grant what the log shows, then write \"enforce\"");
    }
}
