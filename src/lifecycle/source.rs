//! Where artifacts come from.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::core::{ByteSize, Source};

/// Why an artifact's bytes cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("cannot read {}: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{} is larger than the {limit} that a component may have", path.display())]
    TooLarge { path: PathBuf, limit: ByteSize },
}

/// Reads an artifact of at most `limit` bytes. Blocks.
///
/// # Errors
/// It cannot be read or is too large.
pub fn read(source: &Source, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
    let Source::Path(path) = source else {
        unimplemented!("sources are being rebuilt")
    };
    let bytes = read_path(path, limit).map_err(|error| SourceError::Read {
        path: path.clone(),
        error,
    })?;
    if bytes.len() as u64 > limit.0 {
        return Err(SourceError::TooLarge {
            path: path.clone(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads one byte more than `limit` at most: the file may grow meanwhile, or be a device.
fn read_path(path: &Path, limit: ByteSize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len().min(limit.0);
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit.0.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_and_missing_files_are_refused() {
        let limit = ByteSize(1_000);
        let zero = read(&Source::Path("/dev/zero".into()), limit);
        assert!(matches!(zero, Err(SourceError::TooLarge { .. })));
        let missing = read(&Source::Path("/nonexistent".into()), limit).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("cannot read /nonexistent: ")
        );
    }
}
