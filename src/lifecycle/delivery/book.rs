//! What is delivered, and the journal that says how it came about: changed together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::ChangeError;
use super::engine::Urgency;
use crate::core::{ComponentName, Timestamp};
use crate::lifecycle::journal::{Draft, Journal, Ledger, Record};

pub(super) type SharedJournal = Arc<Mutex<Journal>>;

/// The journal with what it has led to.
pub struct Book {
    journal: SharedJournal,
    ledger: Ledger,
    /// Changes that were made and could not be written down, by component.
    owed: BTreeMap<ComponentName, Draft>,
}

impl Book {
    pub fn new(journal: Journal, ledger: Ledger) -> Self {
        Self {
            journal: Arc::new(Mutex::new(journal)),
            ledger,
            owed: BTreeMap::new(),
        }
    }

    pub(super) fn journal(&self) -> &SharedJournal {
        &self.journal
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Writes a change down and takes it over. Returns when it would survive a power loss.
    pub(super) async fn write(
        &mut self,
        draft: Draft,
        urgency: Urgency,
    ) -> Result<Record, ChangeError> {
        let mut records = self.write_all(vec![draft], urgency).await?;
        let none = || ChangeError::Journal(std::io::Error::other("nothing was written"));
        records.pop().ok_or_else(none)
    }

    /// Writes several down, together: all of them or none.
    pub(super) async fn write_all(
        &mut self,
        mut drafts: Vec<Draft>,
        urgency: Urgency,
    ) -> Result<Vec<Record>, ChangeError> {
        drafts.iter_mut().for_each(|draft| self.number(draft));
        let records = match (self.append(drafts.clone()).await, urgency) {
            (Ok(records), _) => {
                let written = records.iter().map(|record| &record.component);
                written.for_each(|component| drop(self.owed.remove(component)));
                records
            }
            (Err(error), Urgency::Orderly) => return Err(ChangeError::Journal(error)),
            (Err(error), Urgency::Rescue) => {
                tracing::error!(%error,
                    "the journal cannot be written; the change is made all the same, but a restart will not know of it");
                let owed = drafts.iter().map(|it| (it.component.clone(), it.clone()));
                self.owed.extend(owed);
                self.unwritten(drafts)
            }
        };
        records.iter().for_each(|record| self.ledger.apply(record));
        Ok(records)
    }

    /// Tries again to write down what could not be.
    pub(super) async fn settle_debts(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        let owed: Vec<_> = self.owed.values().cloned().collect();
        let current = owed.into_iter().map(|draft| Draft {
            after: self.ledger.get(&draft.component).cloned(),
            ..draft
        });
        if let Ok(records) = self.append(current.collect()).await {
            records.iter().for_each(|record| self.ledger.apply(record));
            self.owed.clear();
            tracing::info!("the journal is complete again");
        }
    }

    /// Records that are nowhere but here.
    fn unwritten(&self, drafts: Vec<Draft>) -> Vec<Record> {
        let numbered = drafts.into_iter().zip(self.ledger.next_seq()..);
        let now = Timestamp::now();
        numbered
            .map(|(draft, seq)| draft.numbered(seq, now))
            .collect()
    }

    fn number(&self, draft: &mut Draft) {
        let old = self.ledger.get(&draft.component);
        if let Some(after) = &mut draft.after {
            // One that was removed and comes back must not look as it did before.
            let last = old.map_or(self.ledger.next_seq() - 1, |old| old.generation);
            after.generation = last + 1;
        }
    }

    async fn append(&self, drafts: Vec<Draft>) -> std::io::Result<Vec<Record>> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let journal = self.journal.clone();
        let append = move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.append_all(drafts)
        };
        let appended = tokio::task::spawn_blocking(append).await;
        appended.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }
}
