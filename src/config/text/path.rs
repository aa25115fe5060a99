//! Request paths: what a route matches and what it takes away. Only the normal form is taken
//! (RFC 3986 §6.2.2), because requests are matched in that form and another could never match.

use crate::config::model::PathPattern;
use crate::config::read::{Refusal, Text};

impl Text for PathPattern {
    const NOUN: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, Refusal> {
        check_normal(text)?;
        if !text.contains(['{', '}']) {
            return Ok(Self::Exact(text.into()));
        }
        if text.contains("{{") || text.contains("}}") {
            return Err(Refusal::expecting(
                "a brace that is no parameter is written %7B or %7D",
            ));
        }
        matchit::Router::new()
            .insert(text, ())
            .map_err(|error| wrong_parameter(text, &error))?;
        Ok(Self::Pattern(text.into()))
    }
}

fn wrong_parameter(text: &str, error: &matchit::InsertError) -> Refusal {
    let help = match error {
        matchit::InsertError::InvalidParamSegment => "only one parameter fits between two slashes",
        matchit::InsertError::InvalidCatchAll => "{*rest} can only be the last part of a path",
        _ => "a parameter is a name in braces, such as {id}, or {*rest} at the end",
    };
    Refusal::saying(format!("{text:?} is not a path pattern")).help(help)
}

/// A path with everything below it: no parameters, no slash at its end but the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Prefix(pub String);

impl Text for Prefix {
    const NOUN: &'static str = "a prefix";

    fn parse(text: &str) -> Result<Self, Refusal> {
        check_normal(text)?;
        if text.contains(['{', '}']) {
            return Err(Refusal::saying("a prefix has no parameters")
                .help("write path = \"/…/{*rest}\" instead"));
        }
        match text.strip_suffix('/') {
            Some("") | None => Ok(Self(text.into())),
            Some(rest) => Err(Refusal::saying(format!(
                "a prefix does not end in a slash, write {rest:?}"
            ))),
        }
    }
}

/// The front of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct StripPrefix(pub String);

impl Text for StripPrefix {
    const NOUN: &'static str = Prefix::NOUN;

    fn parse(text: &str) -> Result<Self, Refusal> {
        match Prefix::parse(text)?.0 {
            root if root == "/" => Err(Refusal::saying("there is nothing to strip from \"/\"")
                .help("leave strip_prefix out")),
            prefix => Ok(Self(prefix)),
        }
    }
}

fn check_normal(text: &str) -> Result<(), Refusal> {
    if !text.starts_with('/') {
        return Err(Refusal::expecting(format!(
            "it starts with a slash: {:?}",
            format!("/{text}")
        )));
    }
    if let Some(at) = text.find(['?', '#']) {
        let (path, rest) = text.split_at(at);
        return Err(Refusal::saying(format!(
            "{rest:?} is no part of a path, write {path:?}"
        )));
    }
    match normal_form(text) {
        None => Err(Refusal::expecting("after % stand two hex digits")),
        Some(normal) if normal != text => Err(Refusal::saying(format!(
            "{text:?} is not in its normal form, write {normal:?}"
        ))),
        Some(_) => Ok(()),
    }
}

/// `None`: a broken percent-encoding.
fn normal_form(text: &str) -> Option<String> {
    let encoded = normal_encoding(text)?;
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = encoded.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            ".." => drop(segments.pop()),
            "." | "" => {}
            part => segments.push(part),
        }
        if last && matches!(part, ".." | "." | "") {
            segments.push("");
        }
    }
    Some(format!("/{}", segments.join("/")))
}

/// Decodes what needs no encoding, encodes what does, and writes hex digits in upper case.
/// Braces stay: they are the pattern's.
fn normal_encoding(text: &str) -> Option<String> {
    let mut normal = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let (value, stays) = match byte {
            b'%' => {
                let value = hex(bytes.next()?)? * 16 + hex(bytes.next()?)?;
                (value, is_unreserved(value))
            }
            _ => (
                byte,
                is_unreserved(byte) || b"!$&'()*+,;=:@/{}".contains(&byte),
            ),
        };
        match stays {
            true => normal.push(value.into()),
            false => normal.push_str(&format!("%{value:02X}")),
        }
    }
    Some(normal)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| value.try_into().ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact_or_patterns() {
        assert_eq!(
            PathPattern::parse("/a/b"),
            Ok(PathPattern::Exact("/a/b".into()))
        );
        assert_eq!(
            PathPattern::parse("/a/"),
            Ok(PathPattern::Exact("/a/".into()))
        );
        assert_eq!(
            PathPattern::parse("/a/{id}"),
            Ok(PathPattern::Pattern("/a/{id}".into()))
        );
        assert_eq!(
            PathPattern::parse("/{*all}"),
            Ok(PathPattern::Pattern("/{*all}".into()))
        );
        for text in ["/{", "/{}", "/{a}{b}", "/{*all}/x", "/a}", "/{{a}}"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_normal_form_of_a_path() {
        for (text, normal) in [
            ("/", "/"),
            ("//", "/"),
            ("/a//b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/../../a", "/a"),
            ("/a/.", "/a/"),
            ("/%2e%2E/b", "/b"),
            ("/%41%2f", "/A%2F"),
            ("/a b", "/a%20b"),
            ("/ä", "/%C3%A4"),
            ("/{id}/x", "/{id}/x"),
        ] {
            assert_eq!(normal_form(text).as_deref(), Some(normal), "{text}");
            assert_eq!(normal_form(normal).as_deref(), Some(normal), "{text} twice");
        }
        for broken in ["/%", "/%4", "/%zz"] {
            assert_eq!(normal_form(broken), None, "{broken}");
        }
    }
}
