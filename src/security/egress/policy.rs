//! The egress policy of one component.

use std::net::SocketAddr;
use std::sync::Arc;

use super::denied::{DenialReason, Denied};
use super::forbidden::Forbidden;
use super::host::CanonicalHost;
use crate::core::{
    Grants, HostGrant, HttpGrant, HttpScheme, PortGrant, SocketGrant, Transport, is_global,
};

const HTTP: &str = "http";
const SOCKETS: &str = "sockets";

/// Decides what one component may reach. Made once, from its grants.
#[derive(Debug)]
pub struct Egress {
    http: Vec<HttpGrant>,
    sockets: Vec<SocketGrant>,
    private_networks: bool,
    forbidden: Arc<Forbidden>,
}

/// What is known of a connection by its address alone.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum SocketVerdict<'a> {
    Granted,
    /// Granted if the address belongs to a granted name, which the address does not tell.
    NeedsLookup(NamesNeeded<'a>),
    Denied(Denied),
}

/// The names of which an address must be one.
#[derive(Debug, PartialEq, Eq)]
pub struct NamesNeeded<'a> {
    grants: Vec<&'a HostGrant>,
    /// What the connection is if it is none of theirs.
    pub otherwise: Denied,
}

impl<'a> NamesNeeded<'a> {
    /// Those that can be looked up to see whether the address is theirs.
    pub fn exact(&self) -> impl Iterator<Item = &'a str> {
        self.grants.iter().filter_map(|grant| match grant {
            HostGrant::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether the connection is granted, given that the guest has got its address by
    /// looking up this name. The only way to be granted by `*.example.com`.
    pub fn cover(&self, looked_up: &str) -> bool {
        CanonicalHost::parse(looked_up)
            .is_some_and(|host| self.grants.iter().any(|grant| host.is_covered_by(grant)))
    }
}

impl Egress {
    pub fn new(grants: &Grants, forbidden: Arc<Forbidden>) -> Self {
        Self {
            http: grants.http.clone(),
            sockets: grants.sockets.clone(),
            private_networks: grants.private_networks,
            forbidden,
        }
    }

    /// The `http` grant that covers a request. `host` is that of the URI's authority. Where
    /// it is a name, each address that it resolves to must pass [`Egress::address`] too.
    ///
    /// # Errors
    /// No grant covers it, or it names an address that may not be reached.
    pub fn request(&self, scheme: HttpScheme, host: &str, port: u16) -> Result<&HttpGrant, Denied> {
        self.find_http(scheme, host, port).map_err(|reason| {
            let target = format_args!("{}://{host}:{port}", scheme.as_str());
            Denied::new(HTTP, target, reason)
        })
    }

    fn find_http(
        &self,
        scheme: HttpScheme,
        host: &str,
        port: u16,
    ) -> Result<&HttpGrant, DenialReason> {
        let host = CanonicalHost::parse(host).ok_or(DenialReason::NotAHost)?;
        let address = match host {
            CanonicalHost::Address(ip) => Some(SocketAddr::new(ip, port)),
            CanonicalHost::Name(_) => None,
        };
        if let Some(address) = address {
            self.check_admin(address)?;
        }
        let covers = |grant: &&HttpGrant| {
            grant.scheme == scheme && has(grant.port, port) && host.is_covered_by(&grant.host)
        };
        let grant = self.http.iter().find(covers);
        let grant = grant.ok_or(DenialReason::NotGranted)?;
        if let Some(address) = address {
            self.check_network(address)?;
        }
        Ok(grant)
    }

    /// Whether a request may be sent to this address, which its host has resolved to.
    ///
    /// # Errors
    /// It is the admin listener's, or not a public one where only those are granted.
    pub fn address(&self, address: SocketAddr) -> Result<(), Denied> {
        self.check_admin(address)
            .and_then(|()| self.check_network(address))
            .map_err(|reason| Denied::new(HTTP, address, reason))
    }

    /// What is known of a connection, or a datagram, to this address.
    pub fn socket(&self, transport: Transport, address: SocketAddr) -> SocketVerdict<'_> {
        let denied = |reason| {
            let target = format_args!("{}://{address}", transport.as_str());
            Denied::new(SOCKETS, target, reason)
        };
        // The admin listener has no datagrams.
        if transport == Transport::Tcp
            && let Err(reason) = self.check_admin(address)
        {
            return SocketVerdict::Denied(denied(reason));
        }
        let verdict = self.find_socket(transport, address, &denied);
        match (&verdict, self.check_network(address)) {
            (SocketVerdict::Denied(_), _) | (_, Ok(())) => verdict,
            (_, Err(reason)) => SocketVerdict::Denied(denied(reason)),
        }
    }

    fn find_socket(
        &self,
        transport: Transport,
        address: SocketAddr,
        denied: &dyn Fn(DenialReason) -> Denied,
    ) -> SocketVerdict<'_> {
        let host = CanonicalHost::Address(address.ip().to_canonical());
        let mut named = Vec::new();
        for grant in &self.sockets {
            if grant.transport != transport || !has(grant.port, address.port()) {
                continue;
            }
            match &grant.host {
                host @ (HostGrant::Name(_) | HostGrant::Below(_)) => named.push(host),
                granted if host.is_covered_by(granted) => return SocketVerdict::Granted,
                _ => {}
            }
        }
        let denied = denied(DenialReason::NotGranted);
        match named.is_empty() {
            true => SocketVerdict::Denied(denied),
            false => SocketVerdict::NeedsLookup(NamesNeeded {
                grants: named,
                otherwise: denied,
            }),
        }
    }

    /// Whether a guest may resolve this name: some `sockets` grant is for it.
    pub fn lookup(&self, name: &str) -> bool {
        CanonicalHost::parse(name).is_some_and(|host| {
            let mut grants = self.sockets.iter();
            grants.any(|grant| host.is_covered_by(&grant.host))
        })
    }

    /// Always before anything else is asked: audit mode overlooks every other reason.
    fn check_admin(&self, address: SocketAddr) -> Result<(), DenialReason> {
        match self.forbidden.forbids(address) {
            true => Err(DenialReason::AdminListener),
            false => Ok(()),
        }
    }

    fn check_network(&self, address: SocketAddr) -> Result<(), DenialReason> {
        match self.private_networks || is_global(address.ip().to_canonical()) {
            true => Ok(()),
            false => Err(DenialReason::PrivateAddress),
        }
    }
}

fn has(grant: PortGrant, port: u16) -> bool {
    match grant {
        PortGrant::Any => true,
        PortGrant::One(granted) => granted == port,
    }
}
