//! How connections to the outside are made: name servers, trusted authorities, timeouts.
//! One for all components; policy is not here but with each component.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::Semaphore;

use super::connect::ConnectError;
use crate::core::Outbound;

/// Lookups through the system at once: each holds a thread.
const SYSTEM_LOOKUPS: usize = 64;
/// How long one name server is waited for.
const NAME_SERVER_TIMEOUT: Duration = Duration::from_secs(2);
/// Addresses of one name that are tried at all.
const MOST_ADDRESSES: usize = 16;

/// Why the settings of `[outbound]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("outbound.ca: cannot read {path}: {error}")]
    Read { path: String, error: io::Error },
    #[error("outbound.ca: {path} has no certificate that can be used")]
    NoCertificate { path: String },
    #[error("outbound.nameservers: {0}")]
    Resolver(String),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The way to the outside.
pub struct Network {
    pub(super) settings: Outbound,
    pub(super) tls: Arc<ClientConfig>,
    names: Names,
    /// The operator's authorities, as the file had them.
    ca: Option<Vec<u8>>,
}

enum Names {
    /// As every other program here: getaddrinfo(3), with `/etc/hosts` and what else there is.
    System(Semaphore),
    Servers(Box<TokioResolver>),
}

impl Network {
    /// # Errors
    /// The operator's authorities cannot be read, or TLS cannot be set up.
    pub fn new(settings: Outbound) -> Result<Self, NetworkError> {
        let names = match settings.nameservers.is_empty() {
            true => Names::System(Semaphore::new(SYSTEM_LOOKUPS)),
            false => Names::Servers(Box::new(resolver(&settings)?)),
        };
        let ca = settings.ca.as_deref().map(read_ca).transpose()?;
        Ok(Self {
            tls: Arc::new(tls(ca.as_deref(), settings.ca.as_deref())?),
            names,
            ca,
            settings,
        })
    }

    /// Whether it leads where the other one does, and believes whom it believes.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.settings == other.settings && self.ca == other.ca
    }

    pub(crate) fn settings(&self) -> &Outbound {
        &self.settings
    }

    /// All addresses of a host, which may be an address itself.
    pub(crate) async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        if let Some(address) = literal(host) {
            return Ok(vec![address]);
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        if is_localhost(host) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let mut addresses = match &self.names {
            Names::System(permits) => {
                let _permit = permits.acquire().await;
                let found = tokio::net::lookup_host((host, 0)).await;
                let found = found.map_err(|error| ConnectError::Name(error.to_string()))?;
                found.map(|address| address.ip()).collect::<Vec<_>>()
            }
            Names::Servers(resolver) => {
                let found = resolver.lookup_ip(absolute(host)).await;
                let found = found.map_err(|error| ConnectError::Name(error.to_string()))?;
                found.iter().collect()
            }
        };
        addresses.truncate(MOST_ADDRESSES);
        match addresses.is_empty() {
            true => Err(ConnectError::Name("it has no address".into())),
            false => Ok(addresses),
        }
    }
}

/// An address in the one spelling that everybody reads alike.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// Loopback whatever a name server says (RFC 6761 §6.3).
fn is_localhost(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// With its dot, so that no search domain is tried.
fn absolute(host: &str) -> String {
    format!("{host}.")
}

fn resolver(settings: &Outbound) -> Result<TokioResolver, NetworkError> {
    let servers = settings.nameservers.iter().map(|address| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections
            .iter_mut()
            .for_each(|connection| connection.port = address.port());
        NameServerConfig::new(address.ip(), true, connections)
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = NAME_SERVER_TIMEOUT;
    options.try_tcp_on_error = true;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    options.ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4AndIpv6;
    builder
        .build()
        .map_err(|error| NetworkError::Resolver(error.to_string()))
}

fn read_ca(file: &Path) -> Result<Vec<u8>, NetworkError> {
    fs::read(file).map_err(|error| NetworkError::Read {
        path: file.display().to_string(),
        error,
    })
}

/// The public authorities (webpki-roots), and the operator's beside them.
fn tls(ca: Option<&[u8]>, file: Option<&Path>) -> Result<ClientConfig, NetworkError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let (Some(pem), Some(file)) = (ca, file) {
        let path = file.display().to_string();
        let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        let (added, _ignored) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(NetworkError::NoCertificate { path });
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_addresses() {
        assert!(literal("127.0.0.1").is_some() && literal("[::1]").is_some());
        for name in [
            "127.1",
            "0x7f000001",
            "2130706433",
            "::1",
            "[127.0.0.1]",
            "localhost",
        ] {
            assert!(literal(name).is_none(), "{name}");
        }
    }

    #[test]
    fn settings_become_a_network() {
        let servers = Outbound {
            nameservers: vec!["127.0.0.1:53".parse().unwrap()],
            ..Outbound::default()
        };
        for settings in [Outbound::default(), servers] {
            assert!(Network::new(settings).is_ok());
        }
        let missing = Outbound {
            ca: Some("/nonexistent".into()),
            ..Outbound::default()
        };
        assert!(matches!(
            Network::new(missing),
            Err(NetworkError::Read { .. })
        ));
    }
}
