//! Names that have been checked, and ids that are cheap to make.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name must not be empty")]
    Empty,
    #[error("a name is at most {limit} characters long, this one has {length}")]
    TooLong { length: usize, limit: usize },
    #[error("{0:?} is not allowed in a name: use letters, digits, `-`, `_` and `.`")]
    Character(char),
}

/// What routes, topics and other components address. At most 63 characters of
/// `a-z A-Z 0-9 - _ .`: it is a metric label, a path segment and a host name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentName(Arc<str>);

/// The name of immutable bytes within a component. At most 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionName(Arc<str>);

fn check_name(text: &str, limit: usize) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > limit {
        return Err(NameError::TooLong {
            length: text.len(),
            limit,
        });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(text.into()),
    }
}

/// Written as text, and read as text that is checked.
macro_rules! text_serde {
    ($name:ident, $error:ident) => {
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

macro_rules! name {
    ($name:ident, $limit:literal) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check_name(text, $limit).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        text_serde!($name, NameError);

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ComponentName, 63);
name!(VersionName, 128);

/// The sha256 of an artifact, written `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is `sha256:` followed by 64 hex digits")]
pub struct DigestError;

impl Digest {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits without the `sha256:`.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The name of a version that was given none: the first 12 hex digits.
    pub fn short_name(&self) -> VersionName {
        VersionName(self.hex()[..12].into())
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("sha256:").ok_or(DigestError)?.as_bytes();
        if hex.len() != 64 {
            return Err(DigestError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or(DigestError);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

text_serde!(Digest, DigestError);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names one request in every log line and error body it causes: 32 hex digits.
///
/// Half of it is drawn once per process and half counts, so that making one
/// neither allocates nor calls the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64, u64);

impl RequestId {
    /// What is done for no request: preparing an instance, for one.
    pub const NONE: Self = Self(0, 0);

    pub fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| {
            let mut bytes = [0; 8];
            // Without entropy ids are still unique within the process.
            let _ = getrandom::fill(&mut bytes);
            u64::from_le_bytes(bytes) | 1
        });
        let process = *PROCESS;
        // Odd multiplication permutes the 64-bit integers: neighbours look unlike.
        let mixed = (next_count() ^ process).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(process, mixed)
    }

    /// A number of its own, evenly spread over requests.
    pub(crate) fn spread(self) -> u64 {
        self.1
    }
}

/// Threads count in blocks of their own, since a counter that all of them write to is
/// slower than all the rest of making an id.
fn next_count() -> u64 {
    const BLOCK: u64 = 1 << 16;
    static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);
    thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });
    let count = COUNT.get();
    let count = match count % BLOCK {
        0 => NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed),
        _ => count,
    };
    COUNT.set(count + 1);
    count
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!("cart-1.4.2".parse::<VersionName>().is_ok());
        assert_eq!("".parse::<ComponentName>(), Err(NameError::Empty));
        assert_eq!(
            "a/b".parse::<ComponentName>(),
            Err(NameError::Character('/'))
        );
        assert!("x".repeat(64).parse::<ComponentName>().is_err());
    }

    #[test]
    fn digests_round_trip_and_refuse_the_rest() {
        let digest = Digest::new([0xab; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short_name().as_str(), "abababababab");
        for bad in ["", "sha256:", "sha256:zz", "md5:abababababab"] {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError), "{bad}");
        }
    }

    #[test]
    fn request_ids_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| RequestId::next()).collect();
        assert_eq!(ids.len(), 1000);
        assert_eq!(RequestId::next().to_string().len(), 32);
    }
}
