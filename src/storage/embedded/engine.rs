//! An open file: what the writer thread has, and nobody else.

use std::path::Path;
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, WriteTransaction};

use super::fault::{Fault, contain};
use super::record::Sealer;
use super::tables::{
    EXPIRING, FORMAT, META, META_FORMAT, META_SECRET, META_STATE, RECORDS, State, USAGE,
};
use super::transaction::Tables;
use super::trial::{OnTrial, Trial};
use super::view::View;
use super::{file, tables};

/// What is kept in memory of one file.
pub(super) const CACHE: usize = 32 << 20;

pub(super) struct Engine {
    database: Database,
    pub sealer: Sealer,
    pub state: State,
}

impl Engine {
    pub fn new(database: Database) -> Result<Self, Fault> {
        let (sealer, state) = read_meta(&database)?;
        Ok(Self {
            database,
            sealer,
            state,
        })
    }

    /// Makes an empty store in a new file at `path`, over whatever has that name. Revisions
    /// begin after `revision`.
    pub fn make(path: &Path, revision: u64) -> Result<Self, Fault> {
        let file = file::make(path)?;
        let backend = OnTrial(Arc::new(Trial::passed(FileBackend::new(file)?)?));
        let mut builder = Builder::new();
        let database = builder.set_cache_size(CACHE).create_with_backend(backend)?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Fault::Disk(error.to_string()))?;
        let state = State {
            revision,
            ..State::default()
        };
        let engine = Self {
            database,
            sealer: Sealer::new(secret),
            state,
        };
        let transaction = engine.begin()?;
        {
            transaction.open_table(RECORDS)?;
            transaction.open_table(USAGE)?;
            transaction.open_table(EXPIRING)?;
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_FORMAT, FORMAT.to_le_bytes().as_slice())?;
            meta.insert(META_SECRET, secret.as_slice())?;
            meta.insert(META_STATE, state.to_bytes().as_slice())?;
        }
        transaction.commit()?;
        Ok(engine)
    }

    /// Two-phase commits: the newest acknowledged commit never hangs on a checksum that is not
    /// cryptographic, over pages that guests fill.
    pub fn begin(&self) -> Result<WriteTransaction, Fault> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }

    /// Makes what was written durable, with the state after it.
    pub fn commit(&mut self, transaction: WriteTransaction, state: State) -> Result<(), Fault> {
        transaction
            .open_table(META)?
            .insert(META_STATE, state.to_bytes().as_slice())?;
        transaction.commit()?;
        self.state = state;
        Ok(())
    }

    /// Writes with all tables at hand, in one transaction of its own.
    pub fn write<T, E: From<Fault>>(
        &mut self,
        write: impl FnOnce(&mut Tables<'_>, &mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.begin()?;
        let mut state = self.state;
        state.commits += 1;
        let mut tables = Tables::open(&transaction, &self.sealer)?;
        let answer = write(&mut tables, &mut state)?;
        drop(tables);
        self.commit(transaction, state)?;
        Ok(answer)
    }

    /// The newest commit, to be read by everybody.
    pub fn view(&self) -> Result<View, Fault> {
        let read = self.database.begin_read()?;
        View::new(&read, self.sealer.clone())
    }

    /// Closes the file; errors mean no more than that the next open takes longer.
    pub fn close(self) {
        let closed = contain(|| self.database.close().map_err(Fault::from));
        if let Err(error) = closed {
            tracing::debug!(%error, "a store's file was not closed well");
        }
    }
}

fn read_meta(database: &Database) -> Result<(Sealer, State), Fault> {
    let read = database.begin_read()?;
    let meta = read
        .open_table(META)
        .map_err(|_| Fault::Damaged("the file is no store of Airgate's".into()))?;
    let field = |name| {
        let value = redb::ReadableTable::get(&meta, name)?;
        let value = value.map(|value| value.value().to_vec());
        value.ok_or_else(|| Fault::Damaged(format!("the file has no {name}")))
    };
    let format = field(META_FORMAT)?;
    if format != FORMAT.to_le_bytes() {
        let format = format.iter().rev().map(|byte| format!("{byte:02x}"));
        let format: String = format.collect();
        return Err(Fault::Foreign(format!(
            "the file was written by another version of Airgate, in format 0x{format}; this one \
             reads format {FORMAT}"
        )));
    }
    let secret = field(META_SECRET)?.try_into();
    let secret = secret.map_err(|_| Fault::Damaged("the secret has another length".into()))?;
    let state = tables::State::from_bytes(&field(META_STATE)?)?;
    Ok((Sealer::new(secret), state))
}
