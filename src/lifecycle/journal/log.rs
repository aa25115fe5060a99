//! The file that is appended to. A line is in it whole, or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::Record;
use super::line::{Chain, Line};
use super::replay::End;

pub(super) struct Log {
    file: File,
    /// Bytes of the lines that are on the medium.
    length: u64,
    chain: Chain,
    /// Why nothing more is appended: what is in the file is not known.
    refusal: Option<String>,
}

impl Log {
    /// Goes on after what was read of `file`, and cuts off what was never finished.
    ///
    /// # Errors
    /// It cannot be cut off.
    pub fn resume(file: File, end: &End) -> io::Result<Self> {
        if end.torn > 0 {
            file.set_len(end.length)?;
            file.sync_all()?;
        }
        Ok(Self {
            file,
            length: end.length,
            chain: end.chain,
            refusal: None,
        })
    }

    /// A file of these records, on the medium but for its name. What was there is gone.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create<'a>(
        path: &Path,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.mode(0o600).open(path)?;
        let (mut length, mut chain) = (0, Chain::START);
        let mut writer = BufWriter::new(&file);
        for record in records {
            let line = Line::new(record, chain)?;
            writer.write_all(&line.bytes)?;
            length += line.bytes.len() as u64;
            chain = line.chain;
        }
        writer.flush()?;
        drop(writer);
        file.sync_all()?;
        Ok(Self {
            file,
            length,
            chain,
            refusal: None,
        })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends records and waits until all of them are on the medium. Returns them as a
    /// restart will read them, each with the bytes of its line.
    ///
    /// # Errors
    /// None is in the file then, and later ones may have more luck; unless what was written
    /// of them cannot be taken back: then all later ones are refused.
    pub fn append(&mut self, records: &[Record]) -> io::Result<Vec<(Record, usize)>> {
        if let Some(refusal) = &self.refusal {
            return Err(io::Error::other(refusal.clone()));
        }
        let (mut bytes, mut chain) = (Vec::new(), self.chain);
        let mut appended = Vec::with_capacity(records.len());
        for record in records {
            let line = Line::new(record, chain)?;
            chain = line.chain;
            appended.push((line.record, line.bytes.len()));
            bytes.extend(line.bytes);
        }
        let written = self
            .file
            .write_all_at(&bytes, self.length)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            if let Err(undoing) = self.undo() {
                self.refuse(&undoing);
            }
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.chain = chain;
        Ok(appended)
    }

    /// Takes back what was written of lines, so that no restart believes it.
    fn undo(&self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.sync_data()
    }

    /// Takes no more records.
    pub fn refuse(&mut self, error: &io::Error) {
        tracing::error!(%error, "the journal takes no more records until the node is restarted");
        self.refusal = Some(format!(
            "the journal takes no more records until the node is restarted, as an earlier \
             failure could not be made good ({error})"
        ));
    }

    #[cfg(test)]
    pub fn replace_file(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }
}
