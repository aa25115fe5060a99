//! The name of an image, and the URLs it has.

use oci_client::Reference;

use super::ImageError;
use crate::core::Digest;
use crate::lifecycle::source::place::is_loopback;

/// Where an image is. Without https only on this machine.
pub(super) struct Image {
    reference: Reference,
    /// What its manifest must be.
    pub digest: Option<Digest>,
}

impl Image {
    /// Reads `registry/name:tag` or `registry/name@sha256:…`; without either the tag is `latest`.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let reference: Reference = text
            .parse()
            .map_err(|error: oci_client::ParseError| ImageError::Name(error.to_string()))?;
        let digest = match reference.digest() {
            Some(digest) => Some(digest.parse().map_err(|_| ImageError::Algorithm)?),
            None => None,
        };
        Ok(Self { reference, digest })
    }

    pub fn repository(&self) -> &str {
        self.reference.repository()
    }

    pub fn manifest_url(&self) -> String {
        let tag = || self.reference.tag().unwrap_or("latest").to_owned();
        let wanted = self.digest.map_or_else(tag, |digest| digest.to_string());
        format!("{}/manifests/{wanted}", self.url())
    }

    pub fn blob_url(&self, digest: Digest) -> String {
        format!("{}/blobs/{digest}", self.url())
    }

    fn url(&self) -> String {
        let registry = self.reference.resolve_registry();
        let host = registry.split(':').next().unwrap_or_default();
        let scheme = if is_loopback(host) { "http" } else { "https" };
        format!("{scheme}://{registry}/v2/{}", self.repository())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> String {
        Image::parse(text).unwrap().manifest_url()
    }

    #[test]
    fn an_image_has_its_url_and_only_loopback_goes_without_tls() {
        assert_eq!(
            manifest("ghcr.io/shop/cart:1.4.2"),
            "https://ghcr.io/v2/shop/cart/manifests/1.4.2"
        );
        assert_eq!(
            manifest("registry.example:5000/cart"),
            "https://registry.example:5000/v2/cart/manifests/latest"
        );
        for host in ["localhost", "127.0.0.1"] {
            let url = format!("http://{host}:5000/v2/cart/manifests/1");
            assert_eq!(manifest(&format!("{host}:5000/cart:1")), url);
        }
        for host in ["127.0.0.1.example", "10.0.0.1"] {
            assert!(manifest(&format!("{host}:5000/cart:1")).starts_with("https://"));
        }
    }

    #[test]
    fn a_digest_goes_before_a_tag() {
        let digest = Digest::new([7; 32]);
        let image = Image::parse(&format!("ghcr.io/cart:1@{digest}")).unwrap();
        let end = format!("/manifests/{digest}");
        assert!(image.manifest_url().ends_with(&end));
        assert_eq!(image.digest, Some(digest));
    }

    #[test]
    fn what_is_no_image_or_has_another_digest_is_refused() {
        for text in [
            "",
            "ghcr.io/../../etc",
            "ghcr.io/Cart:1",
            "ghcr.io/cart:1?x",
            "user:password@ghcr.io/cart:1",
            "ghcr.io/cart@sha256:abc",
        ] {
            let parsed = Image::parse(text).err();
            assert!(matches!(parsed, Some(ImageError::Name(_))), "{text}");
        }
        let sha512 = format!("ghcr.io/cart@sha512:{}", "a".repeat(128));
        assert!(matches!(Image::parse(&sha512), Err(ImageError::Algorithm)));
    }
}
