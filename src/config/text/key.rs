//! Public keys whose signatures count.

use serde_json::{Value, json};

use crate::config::raw::RawKeyFile;
use crate::config::read::{At, List, Node, Problems, Refusal, Shape, Text};
use crate::core::{TrustedKey, TrustedKeyError};

use super::FilePath;
use super::secret::kind;

impl Text for TrustedKey {
    const NOUN: &'static str = "a public key";

    fn parse(text: &str) -> Result<Self, Refusal> {
        // The secret one of the pair may have been put in by mistake.
        let refusal = |error: TrustedKeyError| {
            Refusal::saying("this is not a public key")
                .help(error.to_string())
                .secret()
        };
        text.parse().map_err(refusal)
    }
}

/// A key, written here or in a file such as `minisign -G` makes.
#[derive(Debug, Clone)]
pub(in crate::config) enum KeySource {
    Here(TrustedKey),
    File(At<FilePath>),
}

impl Shape for KeySource {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if !node.value.is_table() {
            return TrustedKey::read(node, problems).map(Self::Here);
        }
        let raw = RawKeyFile::read(node, problems)?;
        raw.file.given().cloned().map(Self::File)
    }

    fn schema() -> Value {
        json!({ "anyOf": [<TrustedKey as Text>::schema(), RawKeyFile::schema()] })
    }
}

/// Where it is no array, the secret key of a pair may be it.
#[derive(Debug, Clone)]
pub(in crate::config) struct TrustedKeys(pub List<KeySource>);

impl Shape for TrustedKeys {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if node.value.is_array() {
            return List::read(node, problems).map(Self);
        }
        problems.hide_values(node);
        let message = format!("expected an array, found {}", kind(node.value));
        problems
            .error(&node.place, message)
            .help("put the public keys in brackets: [ … ]");
        None
    }

    fn schema() -> Value {
        List::<KeySource>::schema()
    }
}
