//! Reads the records of one file, line by line, and believes those that hang together.

use std::io::{self, BufRead, Read as _};
use std::path::Path;

use super::line::{Chain, LONGEST};
use super::{JournalError, Record};

/// Where the whole lines of a file end.
pub(super) struct End {
    pub chain: Chain,
    /// Bytes of the whole lines.
    pub length: u64,
    /// Bytes of a last line that was never finished.
    pub torn: u64,
}

/// Passes every record to `each`, with the bytes of its line. Memory is bounded by the
/// longest line.
///
/// # Errors
/// Anything but the last line is not what was written. `each` has had what precedes it.
pub(super) fn replay(
    path: &Path,
    mut reader: impl BufRead,
    mut each: impl FnMut(Record, usize),
) -> Result<End, JournalError> {
    let failed = |error| JournalError::Io {
        path: path.to_owned(),
        error,
    };
    let mut end = End {
        chain: Chain::START,
        length: 0,
        torn: 0,
    };
    let (mut buffer, mut last) = (Vec::new(), None);
    for line in 1.. {
        read_line(&mut reader, &mut buffer).map_err(failed)?;
        let damaged = || JournalError::Damaged {
            path: path.to_owned(),
            line,
            byte: end.length,
        };
        let Some(json) = end.chain.follow(&buffer) else {
            // A kill or a power loss can only hurt the line that was being written.
            if !reader.fill_buf().map_err(failed)?.is_empty() {
                return Err(damaged());
            }
            end.torn = buffer.len() as u64;
            break;
        };
        let record: Record = serde_json::from_slice(json).map_err(|error| {
            let path = path.to_owned();
            JournalError::Foreign { path, line, error }
        })?;
        if last.is_some_and(|last| record.seq <= last) {
            return Err(damaged());
        }
        last = Some(record.seq);
        end.length += buffer.len() as u64;
        each(record, buffer.len());
    }
    Ok(end)
}

/// Leaves `buffer` empty at the end of the file.
fn read_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    reader.take(LONGEST as u64).read_until(b'\n', buffer)?;
    Ok(())
}
