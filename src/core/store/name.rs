//! The names of stores and of what is in them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a key.
const KEY_LENGTH: usize = 1024;

/// The name of a store: 1 to 63 characters of `a-z A-Z 0-9 - _`. It is part of a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreName(Arc<str>);

/// A text that is no name of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a store's name has 1 to 63 letters, digits, `-` and `_`")]
pub struct StoreNameError;

impl StoreName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreName {
    type Err = StoreNameError;
    fn from_str(text: &str) -> Result<Self, StoreNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match (1..=63).contains(&text.len()) && text.chars().all(allowed) {
            true => Ok(Self(text.into())),
            false => Err(StoreNameError),
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for StoreName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The name of a value: 1 to 1,024 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key must not be empty")]
    Empty,
    #[error("a key is at most {KEY_LENGTH} bytes long, this one has {0}")]
    TooLong(usize),
    #[error("a key has no control characters, this one has {0:?}")]
    Control(char),
}

impl Key {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > KEY_LENGTH {
            return Err(KeyError::TooLong(text.len()));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(KeyError::Control(c)),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_says_why() {
        for (text, error) in [
            (String::new(), KeyError::Empty),
            ("k".repeat(1025), KeyError::TooLong(1025)),
            ("a\0b".into(), KeyError::Control('\0')),
        ] {
            assert_eq!(text.parse::<Key>().unwrap_err(), error);
        }
        assert!("größe/1 2".parse::<Key>().is_ok());
    }

    #[test]
    fn a_store_has_a_name_that_a_file_can_have() {
        for bad in ["", "..", "a/b", "a.b", "ä"] {
            assert!(bad.parse::<StoreName>().is_err(), "{bad}");
        }
    }
}
