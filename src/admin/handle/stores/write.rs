//! Writes a value, if it is what the writer believes it to be.

use std::time::Duration;

use axum::body::Bytes;

use crate::admin::answer::Problem;
use crate::admin::request::Premise;
use crate::core::{ComponentName, Key, KvStore, Revision, Stored, Swap, Write};

/// How often to look again at a value that changes between the look and the write.
const TRIES: usize = 8;

/// What is written where.
pub(super) struct Edit<'a> {
    pub store: &'a dyn KvStore,
    pub space: &'a ComponentName,
    pub key: &'a Key,
    pub value: Bytes,
    pub ttl: Option<Duration>,
}

impl Edit<'_> {
    /// Answers the revision of what was written, where the store tells it.
    ///
    /// # Errors
    /// The premise does not hold, or the store does not take it.
    pub async fn make(self, premise: &Premise) -> Result<Option<Revision>, Problem> {
        match premise {
            Premise::None => self.overwrite().await,
            Premise::Absent => match self.swap(None).await? {
                Swap::Swapped(revision) => Ok(Some(revision)),
                Swap::Changed(_) => Err(failed("the key has a value")),
            },
            Premise::Present | Premise::OneOf(_) => self.replace(premise).await,
        }
    }

    async fn overwrite(self) -> Result<Option<Revision>, Problem> {
        let write = Write::Set {
            key: self.key.clone(),
            value: self.value,
            ttl: self.ttl,
        };
        self.store.write(self.space, vec![write]).await?;
        Ok(None)
    }

    async fn replace(self, premise: &Premise) -> Result<Option<Revision>, Problem> {
        let mut present = self.store.get(self.space, self.key).await?;
        for _ in 0..TRIES {
            let revision = allowed(premise, present.as_ref())?;
            match self.swap(Some(revision)).await? {
                Swap::Swapped(revision) => return Ok(Some(revision)),
                Swap::Changed(other) => present = other,
            }
        }
        Err(Problem::conflict("the value changes all the time"))
    }

    async fn swap(&self, expected: Option<Revision>) -> Result<Swap, Problem> {
        let (value, ttl) = (self.value.clone(), self.ttl);
        let swap = self.store.swap(self.space, self.key, expected, value, ttl);
        Ok(swap.await?)
    }
}

fn allowed(premise: &Premise, present: Option<&Stored>) -> Result<Revision, Problem> {
    let stored = present.ok_or_else(|| failed("the key has no value"))?;
    match premise.allows(stored.revision) {
        true => Ok(stored.revision),
        false => Err(failed("the value has changed meanwhile")),
    }
}

fn failed(detail: &str) -> Problem {
    Problem::precondition_failed(detail)
}
