//! Where a value stands: its keys for people, its bytes for the caret.

use std::ops::{Deref, Range};

use toml::de::DeValue;

/// The keys that lead to a value, and the bytes it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::config) struct Place {
    pub path: String,
    pub span: Range<usize>,
}

impl Place {
    /// The value of a key in the table that stands here.
    pub fn key(&self, key: &str, span: Range<usize>) -> Self {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = if !key.is_empty() && key.chars().all(bare) {
            format!("{}{dot}{key}", self.path)
        } else {
            format!("{}{dot}{key:?}", self.path)
        };
        Self { path, span }
    }

    /// One element of the array that stands here.
    pub fn element(&self, index: usize, span: Range<usize>) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            span,
        }
    }

    /// The same keys, but the caret elsewhere.
    pub fn at(&self, span: &Range<usize>) -> Self {
        Self {
            path: self.path.clone(),
            span: span.clone(),
        }
    }
}

/// A value still in TOML.
pub(in crate::config) struct Node<'a> {
    pub value: &'a DeValue<'a>,
    pub place: Place,
}

/// A value that was read.
#[derive(Debug, Clone)]
pub(in crate::config) struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What a table has for one of its keys.
#[derive(Debug, Clone, Default)]
pub(in crate::config) enum Field<T> {
    #[default]
    Absent,
    /// Written, but wrong; that is reported already.
    Unreadable,
    Given(At<T>),
}

impl<T> Field<T> {
    pub fn given(&self) -> Option<&At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Unreadable => None,
        }
    }

    pub fn value(&self) -> Option<&T> {
        self.given().map(|at| &at.value)
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// An unreadable value takes the default too: nobody will see it.
    pub fn or(&self, default: T) -> T
    where
        T: Clone,
    {
        self.value().cloned().unwrap_or(default)
    }

    /// A table that may be left out.
    pub fn into_table(self) -> T
    where
        T: Default,
    {
        match self {
            Self::Given(at) => at.value,
            Self::Absent | Self::Unreadable => T::default(),
        }
    }
}
