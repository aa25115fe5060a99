//! Fetches artifacts and signatures from wherever the operator keeps them.

use std::path::{Path, PathBuf};

use super::SourceError;
use super::client::{Patience, built, client, redirects};
use super::download::Wanted;
use super::file::read_aside;
use super::place::shown;
use crate::core::{ByteSize, Source, VersionSpec};
use crate::security::SIGNATURE_LIMIT;

/// What is put behind the name of an artifact to name its signature.
const SUFFIX: &str = ".minisig";
/// Nothing is there (RFC 9110 §15.5.5), or nothing any more (§15.5.11).
const ABSENT: [u16; 2] = [404, 410];

/// Fetches artifacts. Everything from the network has a size, a time for each step and a time for
/// the whole: 10 s to connect, 30 s without anything coming, 5 minutes altogether.
///
/// Bound by no egress policy, which is for what guests ask: only `routes.toml` names sources.
/// What comes is not believed for that: the caller holds it against its digest and signature.
#[derive(Clone)]
pub struct Sources {
    client: reqwest::Client,
    patience: Patience,
}

impl Sources {
    /// `ca` is a PEM file of authorities that are believed beside the public ones. Blocks to
    /// read it.
    ///
    /// # Errors
    /// It cannot be read or has no certificate.
    pub fn new(ca: Option<&Path>) -> Result<Self, SourceError> {
        Self::with_patience(ca, Patience::default())
    }

    pub(super) fn with_patience(
        ca: Option<&Path>,
        patience: Patience,
    ) -> Result<Self, SourceError> {
        let builder = client(ca)?
            .connect_timeout(patience.connect)
            .read_timeout(patience.idle)
            .redirect(redirects());
        let client = built(builder)?;
        Ok(Self { client, patience })
    }

    /// The bytes of an artifact, at most `limit` of them.
    ///
    /// # Errors
    /// It cannot be had, or is too large.
    pub async fn fetch(&self, source: &Source, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
        match source {
            Source::Path(path) => read_aside(path.clone(), "a component", limit).await,
            Source::Https(url) => self.in_time(source, self.artifact(url, limit)).await,
            Source::Oci(image) => self.in_time(source, self.image(image, limit)).await,
        }
    }

    /// The detached signature of a version: from the file that was named, or from beside its
    /// source. `None` where there is none. For https that is the artifact's path and `.minisig`;
    /// for an image the annotation `dev.airgate.signature` of its manifest or layer.
    ///
    /// # Errors
    /// It cannot be had, or is too large. A server that answers neither 2xx nor 404 or 410 is an
    /// error: so this is worth asking only where a key is trusted.
    pub async fn signature(&self, spec: &VersionSpec) -> Result<Option<String>, SourceError> {
        if let Some(path) = &spec.signature {
            return text_of(path.clone()).await.map(Some);
        }
        let source = &spec.source;
        match source {
            Source::Path(path) => beside(path).await,
            Source::Https(url) => self.in_time(source, self.beside_url(url)).await,
            Source::Oci(image) => self.in_time(source, self.annotated(image)).await,
        }
    }

    async fn in_time<T>(
        &self,
        source: &Source,
        fetching: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let after = self.patience.total;
        match tokio::time::timeout(after, fetching).await {
            Ok(fetched) => fetched,
            Err(_) => Err(SourceError::Late {
                place: match source {
                    Source::Https(url) => shown(url),
                    Source::Path(_) | Source::Oci(_) => source.to_string(),
                },
                after,
            }),
        }
    }

    async fn artifact(&self, url: &str, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
        let url = secure(url)?;
        let wanted = Wanted {
            what: "a component",
            place: &shown(url.as_str()),
            limit,
        };
        let response = wanted.send(self.client.get(url.clone())).await?;
        wanted.body(response).await
    }

    async fn beside_url(&self, url: &str) -> Result<Option<String>, SourceError> {
        let mut url = secure(url)?;
        // The query stays behind: it may be what opens the door.
        url.set_path(&format!("{}{SUFFIX}", url.path()));
        let place = shown(url.as_str());
        let wanted = Wanted {
            what: "a signature",
            place: &place,
            limit: SIGNATURE_LIMIT,
        };
        let response = wanted.send(self.client.get(url.clone())).await?;
        if ABSENT.contains(&response.status().as_u16()) {
            return Ok(None);
        }
        let bytes = wanted.body(response).await?;
        text(bytes, place).map(Some)
    }

    #[cfg(feature = "oci")]
    async fn image(&self, image: &str, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
        super::oci::fetch(&self.client, image, limit).await
    }

    #[cfg(feature = "oci")]
    async fn annotated(&self, image: &str) -> Result<Option<String>, SourceError> {
        super::oci::signature(&self.client, image).await
    }

    #[cfg(not(feature = "oci"))]
    async fn image(&self, image: &str, _limit: ByteSize) -> Result<Vec<u8>, SourceError> {
        Err(without_oci(image))
    }

    #[cfg(not(feature = "oci"))]
    async fn annotated(&self, image: &str) -> Result<Option<String>, SourceError> {
        Err(without_oci(image))
    }
}

#[cfg(not(feature = "oci"))]
fn without_oci(image: &str) -> SourceError {
    SourceError::BuiltWithoutOci {
        image: image.to_owned(),
    }
}

fn secure(url: &str) -> Result<reqwest::Url, SourceError> {
    let parsed = reqwest::Url::parse(url).ok();
    parsed
        .filter(|url| url.scheme() == "https")
        .ok_or_else(|| SourceError::NotHttps { place: shown(url) })
}

async fn text_of(path: PathBuf) -> Result<String, SourceError> {
    let place = path.display().to_string();
    text(
        read_aside(path, "a signature", SIGNATURE_LIMIT).await?,
        place,
    )
}

async fn beside(artifact: &Path) -> Result<Option<String>, SourceError> {
    let mut path = artifact.as_os_str().to_owned();
    path.push(SUFFIX);
    match text_of(path.into()).await {
        Err(SourceError::Read { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn text(bytes: Vec<u8>, place: String) -> Result<String, SourceError> {
    String::from_utf8(bytes).map_err(|_| SourceError::NotText { place })
}
