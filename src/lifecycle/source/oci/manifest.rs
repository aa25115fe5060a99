//! The manifest of an image, and the one layer of it that is the component.

use oci_client::manifest::{OciDescriptor, OciImageManifest, WASM_LAYER_MEDIA_TYPE};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ImageError;
use crate::core::Digest;

/// What is asked for; an index would be several images.
pub(super) const MEDIA_TYPE: &str = oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;
/// Layers that are components: by the CNCF's layout for Wasm artifacts (`wkg`), and before it. The
/// type of the configuration is not asked for: `oras push` leaves it empty, and the layer says
/// what its bytes are.
const LAYERS: [&str; 2] = ["application/wasm", WASM_LAYER_MEDIA_TYPE];
/// The annotation with a detached signature, of the manifest or of the layer.
const SIGNATURE: &str = "dev.airgate.signature";

/// A component as its manifest describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    pub signature: Option<String>,
}

/// What tells an index from an image, which share their place.
#[derive(Deserialize)]
struct Kind {
    manifests: Option<IgnoredAny>,
}

impl Layer {
    /// Finds it in the JSON of a manifest.
    pub fn of(manifest: &[u8]) -> Result<Self, ImageError> {
        // Not what serde says, which quotes as much of it as there is.
        let unreadable = |error: serde_json::Error| ImageError::Manifest {
            line: error.line(),
            column: error.column(),
        };
        let kind: Kind = serde_json::from_slice(manifest).map_err(unreadable)?;
        if kind.manifests.is_some() {
            return Err(ImageError::Index);
        }
        let manifest: OciImageManifest = serde_json::from_slice(manifest).map_err(unreadable)?;
        if manifest.schema_version != 2 {
            return Err(ImageError::SchemaVersion(manifest.schema_version));
        }
        let layer = only(&manifest.layers)?;
        let annotated = [&layer.annotations, &manifest.annotations];
        let signature = annotated
            .into_iter()
            .flatten()
            .find_map(|annotations| annotations.get(SIGNATURE));
        Ok(Self {
            digest: layer.digest.parse().map_err(|_| ImageError::Layer)?,
            size: layer.size.try_into().map_err(|_| ImageError::Layer)?,
            signature: signature.cloned(),
        })
    }
}

fn only(layers: &[OciDescriptor]) -> Result<&OciDescriptor, ImageError> {
    let is_wasm = |layer: &&OciDescriptor| LAYERS.contains(&layer.media_type.as_str());
    let mut found = layers.iter().filter(is_wasm);
    match (found.next(), found.count()) {
        (Some(layer), 0) => Ok(layer),
        (first, more) => Err(ImageError::Layers {
            found: usize::from(first.is_some()) + more,
            all: layers.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DIGEST: &str = "sha256:0707070707070707070707070707070707070707070707070707070707070707";

    fn layer(media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": DIGEST, "size": 5 })
    }

    fn manifest(layers: Value) -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "config": layer("application/vnd.wasm.config.v0+json"),
            "layers": layers,
        })
    }

    fn of(manifest: &Value) -> Result<Layer, ImageError> {
        Layer::of(manifest.to_string().as_bytes())
    }

    #[test]
    fn both_types_of_layer_are_components_and_others_beside_them_are_not() {
        for media_type in LAYERS {
            let found = of(&manifest(json!([layer("text/plain"), layer(media_type)]))).unwrap();
            assert_eq!(found.digest, Digest::new([7; 32]));
            assert_eq!((found.size, found.signature), (5, None));
        }
    }

    #[test]
    fn a_component_is_exactly_one_layer() {
        for layers in [
            json!([]),
            json!([layer("application/vnd.oci.image.layer.v1.tar+gzip")]),
            json!([layer(LAYERS[0]), layer(LAYERS[0])]),
            json!([layer(LAYERS[0]), layer(LAYERS[1])]),
        ] {
            let error = of(&manifest(layers)).unwrap_err();
            assert!(matches!(error, ImageError::Layers { .. }), "{error}");
        }
    }

    #[test]
    fn a_signature_is_an_annotation_of_the_layer_or_the_manifest() {
        let mut signed = layer(LAYERS[0]);
        signed["annotations"] = json!({ SIGNATURE: "of the layer" });
        let mut both = manifest(json!([signed]));
        both["annotations"] = json!({ SIGNATURE: "of the manifest" });
        let signature = of(&both).unwrap().signature;
        assert_eq!(signature.as_deref(), Some("of the layer"));
        both["layers"][0]["annotations"] = json!({ "other": "x" });
        let signature = of(&both).unwrap().signature;
        assert_eq!(signature.as_deref(), Some("of the manifest"));
    }

    #[test]
    fn an_index_is_told_apart() {
        let index = json!({ "schemaVersion": 2, "manifests": [] });
        assert!(matches!(of(&index), Err(ImageError::Index)));
    }

    #[test]
    fn manifests_that_mean_nothing_are_refused() {
        let mut odd = manifest(json!([layer(LAYERS[0])]));
        odd["schemaVersion"] = json!(1);
        assert!(matches!(of(&odd), Err(ImageError::SchemaVersion(1))));
        for (field, value) in [
            ("size", json!(-1)),
            ("digest", json!("sha512:00")),
            ("digest", json!("sha256:../../x")),
        ] {
            let mut odd = manifest(json!([layer(LAYERS[0])]));
            odd["layers"][0][field] = value;
            assert!(matches!(of(&odd), Err(ImageError::Layer)), "{odd}");
        }
        let deep = "[".repeat(100_000);
        for text in ["", "{}", "null", "<html>", &deep] {
            let refused = Layer::of(text.as_bytes());
            assert!(matches!(refused, Err(ImageError::Manifest { .. })));
        }
    }
}
