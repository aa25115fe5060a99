//! Pulls one component: manifest, then layer, both held against their digests here.

use reqwest::header::ACCEPT;
use reqwest::{Client, Response, Url};

use super::ImageError;
use super::image::Image;
use super::manifest::{Layer, MEDIA_TYPE};
use super::token::{Challenge, token};
use crate::core::{ByteSize, Digest};
use crate::lifecycle::source::SourceError;
use crate::lifecycle::source::download::Wanted;
use crate::security::{SIGNATURE_LIMIT, digest};

/// Registries take no larger manifests (distribution specification, "Pushing Manifests").
const MANIFEST_LIMIT: ByteSize = ByteSize(4 << 20);
const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;
const NOT_FOUND: u16 = 404;

/// The bytes of the component that `name` names, at most `limit` of them.
pub(in crate::lifecycle::source) async fn fetch(
    client: &Client,
    name: &str,
    limit: ByteSize,
) -> Result<Vec<u8>, SourceError> {
    let mut pull = Pull::new(client, name)?;
    let layer = pull.layer().await?;
    if layer.size > limit.0 {
        return Err(SourceError::TooLarge {
            place: pull.place,
            what: "a component",
            limit,
        });
    }
    pull.blob(&layer).await
}

/// The signature that the manifest of `name` carries.
pub(in crate::lifecycle::source) async fn signature(
    client: &Client,
    name: &str,
) -> Result<Option<String>, SourceError> {
    let mut pull = Pull::new(client, name)?;
    let signature = pull.layer().await?.signature;
    match signature {
        Some(text) if text.len() as u64 > SIGNATURE_LIMIT.0 => Err(SourceError::TooLarge {
            place: pull.place,
            what: "a signature",
            limit: SIGNATURE_LIMIT,
        }),
        signature => Ok(signature),
    }
}

struct Pull<'a> {
    client: &'a Client,
    name: &'a str,
    /// As messages show it.
    place: String,
    image: Image,
    /// Once the registry has asked for one.
    token: Option<String>,
}

impl<'a> Pull<'a> {
    fn new(client: &'a Client, name: &'a str) -> Result<Self, SourceError> {
        let image = Image::parse(name).map_err(|reason| wrong(name, reason))?;
        Ok(Self {
            client,
            name,
            place: format!("oci://{name}"),
            image,
            token: None,
        })
    }

    /// The component as the manifest describes it, which is the one that was asked for.
    async fn layer(&mut self) -> Result<Layer, SourceError> {
        let bytes = self
            .get(
                &self.image.manifest_url(),
                MEDIA_TYPE,
                "a manifest",
                MANIFEST_LIMIT,
            )
            .await?;
        let actual = digest(&bytes);
        match self.image.digest {
            Some(named) if named != actual => Err(self.other_digest("manifest", named, actual)),
            _ => Layer::of(&bytes).map_err(|reason| wrong(self.name, reason)),
        }
    }

    /// Takes no more than the manifest named, which is within the limit of the caller.
    async fn blob(&mut self, layer: &Layer) -> Result<Vec<u8>, SourceError> {
        let named = layer.size;
        let url = self.image.blob_url(layer.digest);
        let got = self.get(&url, "*/*", "its layer", ByteSize(named)).await;
        let bytes = got.map_err(|error| match error {
            SourceError::TooLarge { .. } => wrong(self.name, ImageError::MoreThanNamed { named }),
            error => error,
        })?;
        // Aside: this takes long for a large one, and others have their turn here.
        let digested = tokio::task::spawn_blocking(move || (digest(&bytes), bytes)).await;
        let (actual, bytes) = digested.map_err(|_| SourceError::Interrupted)?;
        if actual != layer.digest {
            return Err(self.other_digest("layer", layer.digest, actual));
        }
        match bytes.len() as u64 {
            actual if actual != named => {
                Err(wrong(self.name, ImageError::OtherSize { named, actual }))
            }
            _ => Ok(bytes),
        }
    }

    async fn get(
        &mut self,
        url: &str,
        accept: &str,
        what: &'static str,
        limit: ByteSize,
    ) -> Result<Vec<u8>, SourceError> {
        let mut response = self.send(url, accept).await?;
        if response.status().as_u16() == UNAUTHORIZED
            && self.token.is_none()
            && let Some(challenge) = Challenge::of(&response)
        {
            self.token = Some(self.token_of(&challenge, response.url()).await?);
            response = self.send(url, accept).await?;
        }
        match response.status().as_u16() {
            UNAUTHORIZED | FORBIDDEN => Err(wrong(self.name, ImageError::Private)),
            NOT_FOUND => Err(wrong(self.name, ImageError::Absent)),
            _ => self.wanted(what, limit).body(response).await,
        }
    }

    async fn token_of(&self, challenge: &Challenge, asked: &Url) -> Result<String, SourceError> {
        let wrong = |reason| wrong(self.name, reason);
        let url = challenge.url(asked, self.image.repository());
        let token = token(self.client, url.map_err(wrong)?).await?;
        token.ok_or_else(|| wrong(ImageError::NoToken))
    }

    async fn send(&self, url: &str, accept: &str) -> Result<Response, SourceError> {
        let mut request = self.client.get(url).header(ACCEPT, accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        self.wanted("a component", ByteSize(0)).send(request).await
    }

    fn wanted(&self, what: &'static str, limit: ByteSize) -> Wanted<'_> {
        Wanted {
            what,
            place: &self.place,
            limit,
        }
    }

    fn other_digest(&self, what: &'static str, named: Digest, actual: Digest) -> SourceError {
        let reason = ImageError::OtherDigest {
            what,
            named,
            actual,
        };
        wrong(self.name, reason)
    }
}

fn wrong(name: &str, reason: ImageError) -> SourceError {
    SourceError::Image {
        image: name.to_owned(),
        reason: reason.into(),
    }
}
