//! Names in the vault: 64 hex digits and what they are of. All others are not ours.

use crate::core::Digest;

/// What is kept under a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Artifact,
    Signature,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Artifact => "wasm",
            Self::Signature => "sig",
        }
    }
}

/// Files that are being written.
pub(super) const TEMPORARY: &str = ".put-";

pub(super) fn name(digest: &Digest, kind: Kind) -> String {
    format!("{}.{}", digest.hex(), kind.ending())
}

/// The entry that has this name.
pub(super) fn parse(text: &str) -> Option<(Digest, Kind)> {
    let (hex, ending) = text.split_once('.')?;
    let kinds = [Kind::Artifact, Kind::Signature];
    let kind = kinds.into_iter().find(|kind| kind.ending() == ending)?;
    let digest: Digest = format!("sha256:{hex}").parse().ok()?;
    // Capitals name the same digest, but no file that we wrote.
    (name(&digest, kind) == text).then_some((digest, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        let digest = Digest::new([0xab; 32]);
        for kind in [Kind::Artifact, Kind::Signature] {
            assert_eq!(parse(&name(&digest, kind)), Some((digest, kind)));
        }
        let artifact = name(&digest, Kind::Artifact);
        for foreign in [
            "",
            "README",
            ".wasm",
            &artifact[1..],
            &artifact.to_uppercase(),
            &artifact.replace("ab", "AB"),
            &format!("{artifact}.bak"),
            &format!("0{artifact}"),
            &format!("sha256:{artifact}"),
        ] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
