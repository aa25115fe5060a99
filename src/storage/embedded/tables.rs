//! The tables of a store's file, and how names are written in them.
//!
//! A name is `NAMESPACE 0 KEY`: the name of a component has no NUL, so namespaces lie one after
//! the other and none begins like another. What expires is listed as `NAMESPACE 0 TIME KEY`.

use redb::TableDefinition;

use super::fault::Fault;
use crate::core::{ComponentName, Key, StoreError, Timestamp};

/// The version of everything that is in these tables.
pub(super) const FORMAT: u32 = 1;

pub(super) const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("records");
/// Bytes and keys by namespace; none for an empty one.
pub(super) const USAGE: TableDefinition<&[u8], (u64, u64)> = TableDefinition::new("usage");
pub(super) const EXPIRING: TableDefinition<&[u8], ()> = TableDefinition::new("expiring");
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("airgate");

pub(super) const META_FORMAT: &str = "format";
pub(super) const META_SECRET: &str = "secret";
pub(super) const META_STATE: &str = "state";

/// What counts up with every commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The newest there is.
    pub revision: u64,
    /// The newest time that was seen, in milliseconds since 1970.
    pub clock: u64,
    pub commits: u64,
}

impl State {
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let numbers = [self.revision, self.clock, self.commits];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = <[u8; 24]>::try_from(bytes);
        let bytes = bytes.map_err(|_| Fault::Damaged("the state has another length".into()))?;
        let mut numbers = bytes.chunks_exact(8).map(|number| {
            let mut eight = [0; 8];
            eight.copy_from_slice(number);
            u64::from_le_bytes(eight)
        });
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Self {
            revision: next(),
            clock: next(),
            commits: next(),
        })
    }
}

/// `NAMESPACE 0`, with which all names of a namespace begin.
pub(super) fn space_start(space: &ComponentName) -> Vec<u8> {
    name(space, "")
}

pub(super) fn name(space: &ComponentName, key: &str) -> Vec<u8> {
    let space = space.as_str().as_bytes();
    let mut name = Vec::with_capacity(space.len() + 1 + key.len());
    name.extend_from_slice(space);
    name.push(0);
    name.extend_from_slice(key.as_bytes());
    name
}

/// The first name after all that begin with `start`.
pub(super) fn end_of(start: &[u8]) -> Option<Vec<u8>> {
    let mut end = start.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// # Errors
/// It is no name that is written here.
pub(super) fn split_name(name: &[u8]) -> Result<(ComponentName, Key), StoreError> {
    let text = std::str::from_utf8(name).ok();
    let parts = text.and_then(|text| text.split_once('\0'));
    let names = parts.and_then(|(space, key)| Some((space.parse().ok()?, key.parse().ok()?)));
    names.ok_or_else(|| StoreError::Corrupt("a name is not one that was written".into()))
}

/// # Errors
/// It is no namespace that is written here.
pub(super) fn space_of(row: &[u8]) -> Result<ComponentName, StoreError> {
    let text = std::str::from_utf8(row).ok();
    let space = text.and_then(|text| text.parse().ok());
    space.ok_or_else(|| StoreError::Corrupt("a namespace is not one that was written".into()))
}

/// The row of a value that expires.
pub(super) fn expiry(space: &ComponentName, expires: Timestamp, key: &str) -> Vec<u8> {
    let mut row = space_start(space);
    row.extend(expires.as_millis().to_be_bytes());
    row.extend_from_slice(key.as_bytes());
    row
}

/// The key in the row of a value that expires.
pub(super) fn key_of_expiry(space: &ComponentName, row: &[u8]) -> Option<Key> {
    let key = row.get(space.as_str().len() + 1 + 8..)?;
    std::str::from_utf8(key).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_namespace_begins_like_another() {
        let short: ComponentName = "cart".parse().unwrap();
        let long: ComponentName = "cart-2".parse().unwrap();
        let (start, end) = (space_start(&short), end_of(&space_start(&short)).unwrap());
        let inside = name(&short, "zzz");
        let outside = name(&long, "a");
        assert!(start < inside && inside < end);
        assert!(!(start <= outside && outside < end));
    }

    #[test]
    fn names_split_as_they_were_put_together() {
        let space: ComponentName = "cart".parse().unwrap();
        let key: Key = "größe".parse().unwrap();
        assert_eq!(
            split_name(&name(&space, key.as_str())),
            Ok((space.clone(), key.clone()))
        );
        let row = expiry(&space, Timestamp::from_millis(5), key.as_str());
        assert_eq!(key_of_expiry(&space, &row), Some(key));
        assert!(split_name(b"cart").is_err());
    }

    #[test]
    fn the_state_reads_as_written() {
        let state = State {
            revision: 1,
            clock: 2,
            commits: 3,
        };
        assert_eq!(State::from_bytes(&state.to_bytes()), Ok(state));
        assert!(State::from_bytes(&[0; 23]).is_err());
    }
}
