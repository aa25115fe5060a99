//! Where the bytes of a version come from.

use crate::config::read::{Refusal, Text};

use super::FilePath;
use super::url::{check, credentials, is_host_and_port, may_hold_secret};

/// As it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum ArtifactSource {
    Path(FilePath),
    /// The whole URL.
    Https(String),
    /// Without its `oci://`.
    Oci(String),
}

impl ArtifactSource {
    /// Who holds the other end may give other bytes for the same text.
    pub fn may_change(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Https(_) => true,
            Self::Oci(image) => !image.contains('@'),
        }
    }
}

impl Text for ArtifactSource {
    const NOUN: &'static str = "a source";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return FilePath::parse(text).map(Self::Path);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" => check(rest).map(|()| Self::Https(format!("https://{rest}"))),
            "oci" => check_image(rest).map(|()| Self::Oci(rest.into())),
            "http" => {
                let message = "over http:// anybody on the way could send other bytes";
                Err(Refusal::saying(message).help("write https:// instead"))
            }
            _ if text.contains(char::is_control) => FilePath::parse(text).map(Self::Path),
            _ => {
                let message = format!("{scheme:?} is no scheme of a source");
                Err(Refusal::saying(message).help("expected a path, https://… or oci://…"))
            }
        }
    }

    fn may_hold_secret(text: &str) -> bool {
        text.contains("://") && may_hold_secret(text)
    }
}

const IMAGE: &str = "expected one such as \"oci://ghcr.io/shop/cart:1.5.0\" or \
    \"oci://ghcr.io/shop/cart@sha256:…\"";

/// What stands behind `oci://`: a registry, a name and exactly one of tag and digest.
fn check_image(image: &str) -> Result<(), Refusal> {
    let (registry, rest) = image.split_once('/').unwrap_or((image, ""));
    if registry.contains('@') {
        return Err(credentials());
    }
    if image.contains(['?', '#']) {
        return Err(Refusal::saying("an image has no query and no fragment").help(IMAGE));
    }
    if !is_registry(registry) {
        let message = format!("{registry:?} is not a registry");
        return Err(Refusal::saying(message).help(IMAGE));
    }
    if let Some((name, digest)) = rest.split_once('@') {
        return check_name(name).and_then(|()| check_digest(digest));
    }
    let Some((name, tag)) = rest.rsplit_once(':') else {
        check_name(rest)?;
        return Err(Refusal::saying("an image has a tag or a digest").help(IMAGE));
    };
    check_name(name)?;
    match is_tag(tag) {
        true => Ok(()),
        false => Err(Refusal::saying(format!("{tag:?} is not a tag"))
            .help("a tag has up to 128 letters, digits, `_`, `.` and `-`")),
    }
}

/// Only a dot or a port tells a registry from the first part of a name, which other programs
/// would look for at a registry of their choice.
fn is_registry(text: &str) -> bool {
    let is_plain = !text.contains(['_', '[']);
    let is_told = text == "localhost" || text.contains(['.', ':']);
    is_plain && is_told && is_host_and_port(text)
}

/// OCI distribution specification 1.1, "Pulling manifests".
fn check_name(name: &str) -> Result<(), Refusal> {
    if let Some((_, tag)) = name.split_once(':') {
        let help = format!("leave out the tag {tag:?}: the digest says which");
        return Err(Refusal::saying("an image has either a tag or a digest").help(help));
    }
    let is_name = name.len() <= 255 && name.split('/').all(is_part);
    match is_name {
        true => Ok(()),
        false => Err(Refusal::saying(format!("{name:?} is not the name of an image"))
            .help("its parts have lower-case letters and digits, with `.`, `_`, `__` or `-` in between")),
    }
}

fn is_part(part: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    part.starts_with(letter) && part.ends_with(letter) && part.split(letter).all(is_separator)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inner = |c: char| word(c) || matches!(c, '.' | '-');
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(inner)
}

/// The image's, not the component's.
fn check_digest(digest: &str) -> Result<(), Refusal> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let digits = digest.strip_prefix("sha256:");
    match digits.is_some_and(|digits| digits.len() == 64 && digits.chars().all(hex)) {
        true => Ok(()),
        false => Err(Refusal::saying("behind @ stands no digest")
            .help("a digest is `sha256:` followed by 64 hex digits in lower case")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        format!("sha256:{}", "0a".repeat(32))
    }

    #[test]
    fn sources_are_paths_urls_and_images() {
        let pinned = format!("ghcr.io/shop/cart@{}", digest());
        for (text, source) in [
            (
                "build/a.wasm",
                ArtifactSource::Path(FilePath("build/a.wasm".into())),
            ),
            (
                "HTTPS://a.example.com/x",
                ArtifactSource::Https("https://a.example.com/x".into()),
            ),
            (
                "oci://localhost:5000/a:1",
                ArtifactSource::Oci("localhost:5000/a:1".into()),
            ),
            (
                "oci://localhost/a:1",
                ArtifactSource::Oci("localhost/a:1".into()),
            ),
            (
                "oci://ghcr.io/a--b/c__d/e.f:v1.2-rc",
                ArtifactSource::Oci("ghcr.io/a--b/c__d/e.f:v1.2-rc".into()),
            ),
            (
                &format!("oci://{pinned}"),
                ArtifactSource::Oci(pinned.clone()),
            ),
        ] {
            assert_eq!(ArtifactSource::parse(text), Ok(source), "{text}");
        }
    }

    #[test]
    fn what_is_no_image_says_why() {
        let both = format!("oci://ghcr.io/a:1@{}", digest());
        let upper = format!("oci://ghcr.io/a@{}", digest().replace('a', "A"));
        for (text, message) in [
            ("oci://", "\"\" is not a registry"),
            ("oci://shop/cart:1", "\"shop\" is not a registry"),
            (
                "oci://[::1]:5000/cart:1",
                "\"[::1]:5000\" is not a registry",
            ),
            ("oci://ghcr.io:0/cart:1", "\"ghcr.io:0\" is not a registry"),
            ("oci://ghcr.io", "\"\" is not the name of an image"),
            (
                "oci://ghcr.io/Cart:1",
                "\"Cart\" is not the name of an image",
            ),
            (
                "oci://ghcr.io/a//b:1",
                "\"a//b\" is not the name of an image",
            ),
            ("oci://ghcr.io/a-:1", "\"a-\" is not the name of an image"),
            (
                "oci://ghcr.io/a_.b:1",
                "\"a_.b\" is not the name of an image",
            ),
            ("oci://ghcr.io/cart", "an image has a tag or a digest"),
            ("oci://ghcr.io/cart:", "\"\" is not a tag"),
            ("oci://ghcr.io/cart:.1", "\".1\" is not a tag"),
            (
                "oci://ghcr.io/cart:1?x",
                "an image has no query and no fragment",
            ),
            (&both, "an image has either a tag or a digest"),
            ("oci://ghcr.io/cart@sha256:12", "behind @ stands no digest"),
            (&upper, "behind @ stands no digest"),
            (
                "oci://me:pw@ghcr.io/cart:1",
                "a name or password does not belong in this file",
            ),
        ] {
            let refusal = ArtifactSource::parse(text).unwrap_err();
            assert_eq!(refusal.message.as_deref(), Some(message), "{text}");
        }
    }

    #[test]
    fn only_a_path_and_a_digest_name_the_same_bytes_for_ever() {
        let may_change = |text: &str| ArtifactSource::parse(text).unwrap().may_change();
        assert!(may_change("https://a/b.wasm") && may_change("oci://a.b/c:1"));
        assert!(!may_change("a.wasm") && !may_change(&format!("oci://a.b/c@{}", digest())));
    }
}
