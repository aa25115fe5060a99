//! Files that the command line reads: bounded, for each may be a device or grow meanwhile.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::core::ByteSize;

/// Reads a file of at most `limit`.
///
/// # Errors
/// It cannot be read, or is larger.
pub(in crate::cli) fn read_bounded(path: &Path, limit: ByteSize) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len().min(limit.0);
    let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    read_into(bytes, file, limit)
}

/// Reads everything that comes, at most `limit`.
///
/// # Errors
/// It cannot be read, or is more.
pub(in crate::cli) fn read_all(source: impl Read, limit: ByteSize) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), source, limit)
}

fn read_into(mut bytes: Vec<u8>, source: impl Read, limit: ByteSize) -> io::Result<Vec<u8>> {
    source
        .take(limit.0.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit.0 {
        let message = format!("it is larger than {limit}");
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_or_endless_is_refused() {
        let error = read_bounded(Path::new("/dev/zero"), ByteSize(1 << 10)).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 1KiB");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"1234").unwrap();
        assert_eq!(read_bounded(file.path(), ByteSize(4)).unwrap(), b"1234");
        assert!(read_bounded(file.path(), ByteSize(3)).is_err());
    }
}
