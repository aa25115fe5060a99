//! The client for what the operator names: artifacts, signatures and checks of rollouts.
//!
//! Egress policy does not bind it: that is for what guests ask, and these URLs come from
//! `routes.toml` alone. It goes through no proxy, sends no referrer and keeps no cookies.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::SourceError;
use super::place::{bounded, may_lead, shown};

/// A mirror, and a store behind it: more is a loop.
const REDIRECTS: usize = 3;

/// How long a server may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until a connection is there, TLS included.
    pub connect: Duration,
    /// Until something comes, each time.
    pub idle: Duration,
    /// Until everything is there.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(5 * 60),
        }
    }
}

/// A client in the making, which has no timeouts yet. `ca` is a PEM file of authorities that are
/// believed beside the public ones.
///
/// # Errors
/// `ca` cannot be read or has no certificate.
pub(in crate::lifecycle) fn client(ca: Option<&Path>) -> Result<ClientBuilder, SourceError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(ca)?)
        // Deploys and checks are rare: nobody would use a connection again.
        .pool_max_idle_per_host(0)
        .no_proxy()
        .referer(false)
        .user_agent(concat!("airgate/", env!("CARGO_PKG_VERSION")));
    Ok(builder)
}

/// # Errors
/// What it was told does not go together.
pub(in crate::lifecycle) fn built(builder: ClientBuilder) -> Result<Client, SourceError> {
    builder
        .build()
        .map_err(|error| SourceError::Client(reason(error)))
}

/// Redirects that lead neither out of https nor in circles.
pub(super) fn redirects() -> Policy {
    Policy::custom(|attempt: Attempt<'_>| {
        let to = shown(attempt.url().as_str());
        let asked = attempt.previous();
        if asked.len() > REDIRECTS {
            return attempt.error(format!("it leads on more than {REDIRECTS} times"));
        }
        match asked.last() {
            Some(from) if may_lead(from, attempt.url()) => attempt.follow(),
            _ => attempt.error(format!("it leads to {to}, which is not https")),
        }
    })
}

/// What went wrong, down to its cause. Without the URL, which may hold a secret, and not longer
/// than a message should be: some of it is the server's.
pub(in crate::lifecycle) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Wrappers often repeat what they wrap.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    bounded(text)
}

/// The public authorities (webpki-roots), and the operator's beside them.
fn tls(ca: Option<&Path>) -> Result<ClientConfig, SourceError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca {
        let pem = std::fs::read(path).map_err(|error| SourceError::Read {
            path: path.to_owned(),
            error,
        })?;
        let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
        let (added, _ignored) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(SourceError::NoCertificate {
                path: path.to_owned(),
            });
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SourceError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
