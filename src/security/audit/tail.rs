//! What the trail on disk tells of the time before this start.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::event::Event;
use super::files::paths;

/// Bytes that are read at most: many more lines than memory keeps.
const READ: u64 = 8 << 20;

/// The newest events, at most `count`, the oldest of them first. Lines that are no events,
/// such as one that was cut off, are passed over.
pub(super) fn newest(dir: &Path, count: usize) -> Vec<Event> {
    let (mut events, mut left) = (Vec::new(), READ);
    for path in paths(dir) {
        let bytes = match read_end(&path, left) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read the audit trail");
                continue;
            }
        };
        left -= bytes.len() as u64;
        let lines = bytes.rsplit(|byte| *byte == b'\n');
        let read = lines.filter_map(|line| serde_json::from_slice(line).ok());
        events.extend(read.take(count - events.len()));
    }
    events.reverse();
    events
}

fn read_end(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
