//! Certificates made for a test, and clients that trust them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A self-signed certificate and its key, in files.
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Pair {
    pub fn write(dir: &Path, file: &str, names: &[&str]) -> Self {
        let pair = Self {
            cert: dir.join(format!("{file}.crt")),
            key: dir.join(format!("{file}.key")),
        };
        pair.renew(names);
        pair
    }

    /// Another certificate in the same files.
    pub fn renew(&self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        std::fs::write(&self.key, key.serialize_pem()).unwrap();
        std::fs::write(&self.cert, cert.pem()).unwrap();
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.cert).unwrap()
    }

    /// As a table of `[[server.tls.certificate]]`.
    pub fn config(&self) -> String {
        format!(
            "[[server.tls.certificate]]\ncert = {:?}\nkey = {:?}\n",
            self.cert, self.key
        )
    }
}

/// A client that trusts `pairs` and offers `alpn`.
pub fn client(pairs: &[&Pair], alpn: &[&str]) -> Arc<ClientConfig> {
    client_with(pairs, alpn, rustls::ALL_VERSIONS, None)
}

/// As [`client`], with these versions of TLS and perhaps a certificate of its own.
pub fn client_with(
    pairs: &[&Pair],
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
    own: Option<&Pair>,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pair in pairs {
        roots.add(pair.certificate()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        Some(own) => {
            let key = PrivateKeyDer::from_pem_file(&own.key).unwrap();
            builder
                .with_client_auth_cert(vec![own.certificate()], key)
                .unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}
