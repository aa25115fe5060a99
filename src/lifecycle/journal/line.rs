//! One line of the journal: a checksum, a space, and the record as JSON.
//!
//! The checksum also covers the one before it, so that a line that was changed, removed or
//! put elsewhere is found. It has no key: it finds what disks, crashes and editors do, and
//! not who can write the file and means to deceive.

use std::io::{self, ErrorKind};

use super::Record;

/// Bytes of a line with its newline.
pub(super) const LONGEST: usize = 1 << 20;
/// Hex digits of a checksum.
const DIGITS: usize = 16;

/// The checksum of the last line, from which the next one goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain([u8; DIGITS]);

impl Chain {
    /// Before the first line of a file.
    pub const START: Self = Self([b'0'; DIGITS]);

    fn after(self, json: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(json);
        let hex = hasher.finalize().to_hex();
        let mut digits = [0; DIGITS];
        digits.copy_from_slice(&hex.as_bytes()[..DIGITS]);
        Self(digits)
    }

    /// The JSON of a line, if the line is whole and comes next.
    pub fn follow<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let line = line.strip_suffix(b"\n")?;
        let (digits, rest) = line.split_at_checked(DIGITS)?;
        let json = rest.strip_prefix(b" ")?;
        let next = self.after(json);
        // As text: a checksum in capitals is none of ours.
        (next.0 == digits).then(|| {
            *self = next;
            json
        })
    }
}

/// A record that is ready to be appended.
pub(super) struct Line {
    pub bytes: Vec<u8>,
    /// With it as the last line.
    pub chain: Chain,
    /// What a restart will read, which a number that JSON cannot hold exactly changes.
    pub record: Record,
}

impl Line {
    /// The line of a record that comes after `chain`.
    ///
    /// # Errors
    /// It is too long, or could not be read again, such as a number that is none.
    pub fn new(record: &Record, chain: Chain) -> io::Result<Self> {
        let json = serde_json::to_vec(record)?;
        let length = DIGITS + json.len() + 2;
        if length > LONGEST {
            let text = format!("the record is {length} bytes long, and {LONGEST} is the most");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        // What cannot be read would keep the next start from opening the journal.
        let record = serde_json::from_slice(&json)?;
        let chain = chain.after(&json);
        let bytes = [&chain.0[..], b" ", &json, b"\n"].concat();
        Ok(Self {
            bytes,
            chain,
            record,
        })
    }
}
