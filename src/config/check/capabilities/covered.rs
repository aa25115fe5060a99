//! Grants that add nothing, because another one of the list covers them.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::iter::successors;

use ipnet::IpNet;

use crate::config::read::{At, Field, List, Place, Problems};
use crate::core::{HostGrant, HttpGrant, PortGrant, SocketGrant, TopicPattern};

/// A grant for a host and a port.
pub(super) trait Reach: Eq + Hash + Display {
    fn host(&self) -> &HostGrant;

    fn port(&self) -> PortGrant;

    /// The same for other ones.
    fn with(&self, host: HostGrant, port: PortGrant) -> Self;
}

impl Reach for HttpGrant {
    fn host(&self) -> &HostGrant {
        &self.host
    }

    fn port(&self) -> PortGrant {
        self.port
    }

    fn with(&self, host: HostGrant, port: PortGrant) -> Self {
        let scheme = self.scheme;
        Self { scheme, host, port }
    }
}

impl Reach for SocketGrant {
    fn host(&self) -> &HostGrant {
        &self.host
    }

    fn port(&self) -> PortGrant {
        self.port
    }

    fn with(&self, host: HostGrant, port: PortGrant) -> Self {
        let transport = self.transport;
        Self {
            transport,
            host,
            port,
        }
    }
}

pub(super) fn warn_of_covered<T: Reach>(field: &Field<List<T>>, problems: &mut Problems<'_>) {
    let list = || field.value().into_iter().flatten();
    let mut first: HashMap<&T, &Place> = HashMap::new();
    for grant in list() {
        first.entry(&grant.value).or_insert(&grant.place);
    }
    for grant in list() {
        match first.get(&grant.value) {
            Some(place) if **place != grant.place => warn_of_double(grant, place, problems),
            _ => warn_of_wider(grant, &first, problems),
        }
    }
}

/// Of a longer list only the first are compared with each of the others.
const MOST: usize = 100;

/// As [`warn_of_covered`]: what is wider than a pattern cannot be counted up.
pub(super) fn warn_of_covered_topics(
    field: &Field<List<TopicPattern>>,
    problems: &mut Problems<'_>,
) {
    let list = || field.value().into_iter().flatten();
    let mut first: HashMap<&TopicPattern, &Place> = HashMap::new();
    for grant in list() {
        let place = *first.entry(&grant.value).or_insert(&grant.place);
        let mut others = list().take(MOST);
        if *place != grant.place {
            warn_of_double(grant, place, problems);
        } else if let Some(wider) =
            others.find(|other| other.value != grant.value && other.covers(&grant.value))
        {
            report_wider(grant, &wider.value, &wider.place, problems);
        }
    }
}

fn warn_of_double<T: Display>(grant: &At<T>, first: &Place, problems: &mut Problems<'_>) {
    let line = problems.line(first);
    let message = format!("{} is there twice, first on line {line}", grant.value);
    problems
        .warn(&grant.place, message)
        .related(&first.span, "first granted here");
}

fn warn_of_wider<T: Reach>(grant: &At<T>, all: &HashMap<&T, &Place>, problems: &mut Problems<'_>) {
    // Looked up instead of compared with each: lists may be long.
    let mut wider = wider(&grant.value).filter(|wider| *wider != grant.value);
    let found = wider.find_map(|wider| all.get(&wider).map(|place| (wider, *place)));
    if let Some((wider, place)) = found {
        report_wider(grant, &wider, place, problems);
    }
}

fn report_wider<T: Display>(grant: &At<T>, wider: &T, place: &Place, problems: &mut Problems<'_>) {
    let line = problems.line(place);
    let message = format!("{} is covered by {wider} on line {line}", grant.value);
    problems
        .warn(&grant.place, message)
        .related(&place.span, "this one covers it")
        .help("leave one of them out");
}

/// Every grant that covers this one: itself, and what is wider.
fn wider<T: Reach>(grant: &T) -> impl Iterator<Item = T> {
    let port = grant.port();
    let any_port = (port != PortGrant::Any).then_some(PortGrant::Any);
    let ports = move || std::iter::once(port).chain(any_port);
    let hosts = wider_hosts(grant.host());
    hosts
        .flat_map(move |host| ports().map(move |port| (host.clone(), port)))
        .map(|(host, port)| grant.with(host, port))
}

fn wider_hosts(host: &HostGrant) -> impl Iterator<Item = HostGrant> {
    let parents = match host {
        HostGrant::Name(name) | HostGrant::Below(name) => Some(name.as_str()),
        _ => None,
    };
    let parents = successors(parents, |name| {
        name.split_once('.').map(|(_, parent)| parent)
    });
    let parents = parents
        .skip(1)
        .map(|parent| HostGrant::Below(parent.into()));
    let network = match host {
        HostGrant::Address(address) => Some(IpNet::from(*address)),
        HostGrant::Network(network) => Some(*network),
        _ => None,
    };
    let networks = successors(network, IpNet::supernet).map(HostGrant::Network);
    std::iter::once(host.clone())
        .chain(parents)
        .chain(networks)
        .chain([HostGrant::Any])
}
