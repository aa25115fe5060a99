//! TLS 1.2 and 1.3 with rustls: certificates by name, replaced without a restart.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::config::{Certificate, Tls};
use crate::monitoring::TLS_CERT_EXPIRY;

/// A generated certificate is made anew when it is this close to its end.
const RENEW_BEFORE_DAYS: i64 = 7;
const GENERATED_DAYS: i64 = 90;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot read {}: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("{} and {} are no pair: {reason}", cert.display(), key.display())]
    Pair {
        cert: PathBuf,
        key: PathBuf,
        reason: String,
    },
    #[error("cannot make a certificate: {0}")]
    Generate(String),
    #[error("cannot use the client authorities in {}: {reason}", path.display())]
    ClientCa { path: PathBuf, reason: String },
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// What a TLS listener needs, ready to use.
#[derive(Clone)]
pub struct TlsSettings(pub(crate) Arc<ServerConfig>);

impl TlsSettings {
    /// Reads all certificates. `state_dir` keeps those that are made here.
    ///
    /// # Errors
    /// A file cannot be read, or key and certificate do not belong together.
    pub fn load(tls: &Tls, state_dir: &Path) -> Result<Self, CertificateError> {
        let certificates = Certificates::load(&tls.certificates, state_dir)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match &tls.client_ca {
            Some(ca) => builder.with_client_cert_verifier(client_verifier(&ca.file, ca.require)?),
            None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// The files whose change means new certificates.
pub fn certificate_files(tls: &Tls) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = tls.client_ca.iter().map(|ca| ca.file.clone()).collect();
    for certificate in &tls.certificates {
        if let Certificate::Files { cert, key } = certificate {
            files.extend([cert.clone(), key.clone()]);
        }
    }
    files
}

/// Certificates by the names they are for.
#[derive(Debug)]
struct Certificates {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// `*.example.com` as `example.com`: one label in front (RFC 6125 §6.4.3).
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl Certificates {
    fn load(certificates: &[Certificate], state_dir: &Path) -> Result<Self, CertificateError> {
        let (mut exact, mut wildcard, mut first) = (HashMap::new(), HashMap::new(), None);
        for certificate in certificates {
            let (key, names) = load_pair(certificate, state_dir)?;
            first.get_or_insert_with(|| key.clone());
            for name in names {
                match name.strip_prefix("*.") {
                    Some(parent) => wildcard.entry(parent.to_owned()),
                    None => exact.entry(name),
                }
                .or_insert_with(|| key.clone());
            }
        }
        let first = first.ok_or(CertificateError::Generate("there is none".into()))?;
        Ok(Self {
            exact,
            wildcard,
            first,
        })
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let parent = || name.split_once('.').map(|(_, parent)| parent);
        self.exact
            .get(name)
            .or_else(|| self.wildcard.get(parent()?))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has lowered the name already (RFC 6066 §3).
        let found = hello.server_name().and_then(|name| self.find(name));
        Some(found.unwrap_or(&self.first).clone())
    }
}

fn load_pair(
    certificate: &Certificate,
    state_dir: &Path,
) -> Result<(Arc<CertifiedKey>, Vec<String>), CertificateError> {
    match certificate {
        Certificate::Files { cert, key } => read_pair(cert, key),
        Certificate::SelfSigned { names } => {
            let (cert, key) = generated_paths(names, state_dir);
            match read_pair(&cert, &key) {
                Ok((pair, found)) if days_left(&pair) > RENEW_BEFORE_DAYS => Ok((pair, found)),
                _ => {
                    generate(names, &cert, &key)?;
                    read_pair(&cert, &key)
                }
            }
        }
    }
}

fn read_pair(
    cert: &Path,
    key: &Path,
) -> Result<(Arc<CertifiedKey>, Vec<String>), CertificateError> {
    let read = |path: &Path, reason: String| CertificateError::Read {
        path: path.into(),
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| read(cert, error.to_string()))?;
    let leaf = chain
        .first()
        .ok_or_else(|| read(cert, "it holds no certificate".into()))?;
    let (names, expiry) = describe(leaf).map_err(|reason| read(cert, reason))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| read(key, e.to_string()))?;
    let provider = rustls::crypto::ring::default_provider();
    let pair = CertifiedKey::from_der(chain, private, &provider)
        .and_then(|pair| pair.keys_match().map(|()| pair));
    let pair = pair.map_err(|error| CertificateError::Pair {
        cert: cert.into(),
        key: key.into(),
        reason: error.to_string(),
    })?;
    let name = names.first().cloned().unwrap_or_default();
    metrics::gauge!(TLS_CERT_EXPIRY, "name" => name).set(expiry as f64);
    Ok((Arc::new(pair), names))
}

/// The DNS names of a certificate, and when it expires in seconds since 1970.
fn describe(certificate: &CertificateDer<'_>) -> Result<(Vec<String>, i64), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let alternatives = parsed
        .subject_alternative_name()
        .map_err(|error| error.to_string())?;
    let names = alternatives.map_or(Vec::new(), |extension| {
        let dns = extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            });
        dns.collect()
    });
    Ok((names, parsed.validity().not_after.timestamp()))
}

fn days_left(pair: &CertifiedKey) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() as i64);
    let expiry = pair
        .cert
        .first()
        .and_then(|leaf| describe(leaf).ok())
        .map_or(0, |(_, at)| at);
    (expiry - now) / 86_400
}

fn generated_paths(names: &[String], state_dir: &Path) -> (PathBuf, PathBuf) {
    let id = blake3::hash(names.join("\n").as_bytes()).to_hex();
    let base = state_dir.join("tls").join(&id.as_str()[..16]);
    (base.with_extension("crt"), base.with_extension("key"))
}

fn generate(names: &[String], cert: &Path, key: &Path) -> Result<(), CertificateError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let fail = |error: &dyn std::fmt::Display| CertificateError::Generate(error.to_string());
    let mut parameters =
        rcgen::CertificateParams::new(names.to_vec()).map_err(|error| fail(&error))?;
    let expiry = SystemTime::now() + std::time::Duration::from_secs(GENERATED_DAYS as u64 * 86_400);
    parameters.not_after = expiry.into();
    let pair = rcgen::KeyPair::generate().map_err(|error| fail(&error))?;
    let certificate = parameters
        .self_signed(&pair)
        .map_err(|error| fail(&error))?;
    let dir = cert.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(|error| fail(&error))?;
    let write = |path: &Path, mode: u32, text: String| {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.write_all(text.as_bytes())
    };
    write(key, 0o600, pair.serialize_pem()).map_err(|error| fail(&error))?;
    write(cert, 0o644, certificate.pem()).map_err(|error| fail(&error))
}

fn client_verifier(
    file: &Path,
    require: bool,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, CertificateError> {
    let fail = |reason: String| CertificateError::ClientCa {
        path: file.into(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fail(e.to_string()))? {
        let certificate = certificate.map_err(|error| fail(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| fail(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder(Arc::new(roots));
    let builder = if require {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder.build().map_err(|error| fail(error.to_string()))
}
