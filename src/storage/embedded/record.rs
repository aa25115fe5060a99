//! A value as it is in the file: a header, and the bytes. Both are tagged by a hash whose key is
//! secret to the store, so nothing that was altered, and nothing that was written for another
//! key, namespace or store, is taken for what was written here.
//!
//! ```text
//! format 1 | revision 8 | expires 8 | tag of the value 16 | tag of key and header 16 | value
//! ```

use bytes::Bytes;

use super::super::decide::Held;
use crate::core::{Revision, StoreError, Timestamp};

const FORMAT: u8 = 1;
const TAG: usize = 16;
const TIMES: usize = 1 + 8 + 8;
const HEADER: usize = TIMES + 2 * TAG;
/// A value that does not expire.
const NEVER: u64 = u64::MAX;

/// Makes and checks records of one store.
#[derive(Clone)]
pub(super) struct Sealer([u8; 32]);

impl Sealer {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// `name` is namespace and key, as in the table.
    pub fn seal(&self, name: &[u8], held: &Held) -> Vec<u8> {
        let mut record = Vec::with_capacity(HEADER + held.value.len());
        record.push(FORMAT);
        record.extend(held.revision.0.to_le_bytes());
        let expires = held.expires.map_or(NEVER, Timestamp::as_millis);
        record.extend(expires.to_le_bytes());
        record.extend(self.tag(&[&held.value]));
        let tag = self.tag(&[&record, name]);
        record.extend(tag);
        record.extend_from_slice(&held.value);
        record
    }

    /// Checks all of a record, and copies its value.
    ///
    /// # Errors
    /// It is not what was written under this name.
    pub fn open(&self, name: &[u8], record: &[u8]) -> Result<Held, StoreError> {
        let (revision, expires) = self.header(name, record)?;
        let value = &record[HEADER..];
        if self.tag(&[value]) != record[TIMES..TIMES + TAG] {
            return Err(damaged(name));
        }
        Ok(Held {
            value: Bytes::copy_from_slice(value),
            revision,
            expires,
        })
    }

    /// Checks the header alone, which takes as long for a large value as for a small one.
    ///
    /// # Errors
    /// It is not what was written under this name.
    pub fn header(
        &self,
        name: &[u8],
        record: &[u8],
    ) -> Result<(Revision, Option<Timestamp>), StoreError> {
        let Some((header, _)) = record.split_at_checked(HEADER) else {
            return Err(damaged(name));
        };
        let (tagged, tag) = header.split_at(TIMES + TAG);
        if self.tag(&[tagged, name]) != tag || header[0] != FORMAT {
            return Err(damaged(name));
        }
        let expires = Some(number(&header[9..17])).filter(|expires| *expires != NEVER);
        let revision = Revision(number(&header[1..9]));
        Ok((revision, expires.map(Timestamp::from_millis)))
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in parts {
            hasher.update(part);
        }
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG]);
        tag
    }
}

fn number(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(bytes);
    u64::from_le_bytes(number)
}

fn damaged(name: &[u8]) -> StoreError {
    let name = String::from_utf8_lossy(name).replace('\0', "/");
    StoreError::Corrupt(format!(
        "what is stored at {name:?} is not what was written"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        Held {
            value: "value".into(),
            revision: Revision(7),
            expires: Some(Timestamp::from_millis(9)),
        }
    }

    #[test]
    fn a_record_reads_as_written() {
        let sealer = Sealer::new([1; 32]);
        let record = sealer.seal(b"cart\0key", &held());
        assert_eq!(sealer.open(b"cart\0key", &record), Ok(held()));
        let forever = Held {
            expires: None,
            ..held()
        };
        let record = sealer.seal(b"cart\0key", &forever);
        assert_eq!(sealer.open(b"cart\0key", &record), Ok(forever));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let sealer = Sealer::new([1; 32]);
        let record = sealer.seal(b"cart\0key", &held());
        for bit in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open(b"cart\0key", &damaged).is_err(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(sealer.open(b"cart\0key", &record[..length]).is_err());
        }
    }

    #[test]
    fn a_record_belongs_to_its_key_and_its_store() {
        let sealer = Sealer::new([1; 32]);
        let record = sealer.seal(b"cart\0key", &held());
        assert!(sealer.open(b"cart\0kez", &record).is_err());
        assert!(sealer.open(b"care\0key", &record).is_err());
        assert!(Sealer::new([2; 32]).open(b"cart\0key", &record).is_err());
    }
}
