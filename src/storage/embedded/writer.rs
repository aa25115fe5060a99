//! The one thread that writes a store. It takes what waits, makes all of it durable with one
//! commit, shows it to the readers, and only then acknowledges.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::decide::Reply;
use super::engine::Engine;
use super::fault::{Fault, Trouble, contain};
use super::queue::{ChangeJob, Job};
use super::restore::Fresh;
use super::shared::{Refusal, Shared};
use super::tables::State;
use super::transaction::Tables;
use super::{file, open};
use crate::core::{StoreError, Timestamp};

/// Jobs of one commit.
const BATCH: usize = 512;
/// Bytes of one commit, beyond which no job is added.
const BATCH_BYTES: u64 = 16 << 20;
/// How often expired values are looked for, and a store that could not be opened is tried again.
const TICK: Duration = Duration::from_secs(1);
/// Expired values that are swept at a time.
const STEP: usize = 1_000;
/// How long a disk that failed is left alone: opening the file anew reads all of it.
const REST: Duration = Duration::from_secs(1);
/// Free bytes of the disk that every commit wants.
const ROOM: u64 = 1 << 20;

type Replies = Vec<Result<Reply, StoreError>>;

pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    /// `None`: refused, see [`Shared::refusal`].
    pub engine: Option<Engine>,
    /// The disk failed, and until then it is left alone.
    resting: Option<(Instant, StoreError)>,
    swept: Instant,
}

/// What came of a batch that was not written.
struct Failure {
    fault: Fault,
    /// The commit itself failed: what would have been answered, and its number.
    committing: Option<(Replies, u64)>,
}

/// What is said of a write whose commit had begun.
fn unknown(error: &StoreError) -> StoreError {
    StoreError::Unknown(error.to_string())
}

impl<F: Into<Fault>> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self {
            fault: fault.into(),
            committing: None,
        }
    }
}

impl Writer {
    pub fn new(shared: Arc<Shared>, jobs: Receiver<Job>, engine: Option<Engine>) -> Self {
        Self {
            shared,
            jobs,
            engine,
            resting: None,
            swept: Instant::now(),
        }
    }

    /// Ends when nobody can put jobs any more, after the last of them.
    pub fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(TICK) {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tend();
        }
        if let Some(engine) = self.engine.take() {
            engine.close();
        }
    }

    fn take(&mut self, first: Job) {
        let (mut batch, mut bytes, mut next) = (Vec::new(), 0, Some(first));
        while let Some(job) = next.take() {
            match job {
                Job::Change(job) => {
                    bytes += job.change.size();
                    batch.push(job);
                }
                Job::Replace(fresh, reply) => {
                    self.write(std::mem::take(&mut batch));
                    self.replace(*fresh, reply);
                }
            }
            if batch.len() < BATCH && bytes < BATCH_BYTES {
                next = self.jobs.try_recv().ok();
            }
        }
        self.write(batch);
    }

    fn write(&mut self, batch: Vec<ChangeJob>) {
        let mut batch = self.without_room(batch);
        if batch.is_empty() {
            return;
        }
        if let Err(error) = self.ready() {
            return batch
                .into_iter()
                .for_each(|job| job.answer(Err(error.clone())));
        }
        let replies = match self.attempt(&batch) {
            Ok(replies) => replies,
            Err(failure) => self.recover(failure, batch.len()),
        };
        for (job, reply) in batch.drain(..).zip(replies) {
            job.answer(reply);
        }
    }

    /// Answers those that a full disk has no room for, before redb meets it: it would have to
    /// open its file anew. What only takes away may still find room in the file.
    fn without_room(&self, batch: Vec<ChangeJob>) -> Vec<ChangeJob> {
        let Some(free) = file::room(&self.shared.path) else {
            return batch;
        };
        let mut wanted = ROOM;
        let fits = |job: &ChangeJob| {
            // Values are rounded up to pages of twice their size at most, and so is the way to
            // them in the tree.
            wanted += 4 * job.change.size() + (16 << 10);
            !job.change.may_grow() || wanted <= free
        };
        let (batch, refused): (Vec<_>, Vec<_>) = batch.into_iter().partition(fits);
        for job in refused {
            let text = format!("the disk of store {} is full", self.shared.name);
            job.answer(Err(StoreError::Unavailable(text)));
        }
        batch
    }

    fn ready(&mut self) -> Result<(), StoreError> {
        if let Some((until, error)) = &self.resting
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        match self.shared.refusal() {
            None => Ok(()),
            Some(refusal) if refusal.may_pass() => self.reopen(),
            Some(refusal) => {
                self.close();
                Err(refusal.error)
            }
        }
    }

    /// Decides and writes all of them, each by itself.
    fn attempt(&mut self, batch: &[ChangeJob]) -> Result<Replies, Failure> {
        let (quota, now) = (self.shared.spec.load().quota, self.shared.clock.now());
        let work = |tables: &mut Tables<'_>, state: &mut State| {
            let mut replies = Vec::with_capacity(batch.len());
            for job in batch {
                let (space, change) = (&job.space, &job.change);
                match tables.change(space, change, quota, now, &mut state.revision) {
                    Ok(reply) => replies.push(Ok(reply)),
                    Err(Trouble::Refused(error)) => replies.push(Err(error)),
                    Err(Trouble::Fault(fault)) => return Err(fault),
                }
            }
            Ok(replies)
        };
        self.commit(now, work)
    }

    fn commit(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Tables<'_>, &mut State) -> Result<Replies, Fault>,
    ) -> Result<Replies, Failure> {
        let engine = self.engine.as_mut().ok_or(Fault::Closed)?;
        let mut state = State {
            clock: now.as_millis(),
            commits: engine.state.commits + 1,
            ..engine.state
        };
        let (transaction, replies, changed) = contain(|| {
            let transaction = engine.begin()?;
            let mut tables = Tables::open(&transaction, &engine.sealer)?;
            let replies = work(&mut tables, &mut state)?;
            let changed = tables.changed;
            drop(tables);
            Ok::<_, Fault>((transaction, replies, changed))
        })?;
        if !changed {
            contain(|| transaction.abort().map_err(Fault::from))?;
            return Ok(replies);
        }
        let view = contain(|| {
            engine.commit(transaction, state)?;
            engine.view()
        });
        match view {
            Ok(view) => {
                self.shared.show(view, state.revision);
                Ok(replies)
            }
            Err(fault) => {
                let committing = Some((replies, state.commits));
                Err(Failure { fault, committing })
            }
        }
    }

    /// Answers what became of the batch: after an error of the disk the file is opened anew,
    /// and knows.
    fn recover(&mut self, failure: Failure, jobs: usize) -> Replies {
        let Failure { fault, committing } = failure;
        if let Fault::Damaged(_) | Fault::Foreign(_) | Fault::InUse = fault {
            self.close();
            let error = self.shared.refuse(fault);
            let error = if committing.is_some() {
                unknown(&error)
            } else {
                error
            };
            return vec![Err(error); jobs];
        }
        let error = Refusal::of(&self.shared.name, fault).error;
        tracing::error!(store = %self.shared.name, %error, "a write failed");
        self.resting = Some((Instant::now() + REST, error.clone()));
        let reopened = self.reopen();
        let commits = self.engine.as_ref().map(|engine| engine.state.commits);
        match (committing, reopened) {
            (Some((replies, commit)), Ok(())) if commits >= Some(commit) => replies,
            (None, _) | (_, Ok(())) => vec![Err(error); jobs],
            (Some(_), Err(error)) => vec![Err(unknown(&error)); jobs],
        }
    }

    fn close(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.close();
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.close();
        self.shared.unsteady.store(false, Ordering::Relaxed);
        let opened = open::open(&self.shared.path, Duration::ZERO);
        match opened.and_then(|engine| Ok((contain(|| engine.view())?, engine))) {
            Ok((view, engine)) => {
                self.take_over(view, engine);
                Ok(())
            }
            Err(fault) => Err(self.shared.refuse(fault)),
        }
    }

    fn take_over(&mut self, view: super::view::View, engine: Engine) {
        let seen = Timestamp::from_millis(engine.state.clock);
        self.shared.clock.raise(seen);
        self.shared.show(view, engine.state.revision);
        tracing::info!(store = %self.shared.name, "store open");
        let before = self.engine.replace(engine);
        // Readers have the new view already, so nobody meets a closed file for long.
        if let Some(before) = before {
            before.close();
        }
    }

    fn replace(&mut self, fresh: Fresh, reply: oneshot::Sender<Result<(), StoreError>>) {
        let refusal = self.shared.refusal();
        let replaced = match refusal {
            Some(refusal) if refusal.fault == Fault::InUse => Err(refusal.error),
            _ => self.put_in_place(fresh, refusal.is_some()),
        };
        let _ = reply.send(replaced);
    }

    fn put_in_place(&mut self, fresh: Fresh, keep: bool) -> Result<(), StoreError> {
        let placed = fresh.take_place(&self.shared.path, keep);
        let engine = placed.map_err(|fault| super::restore::failed(fault.into()))?;
        self.resting = None;
        // From here on the name is that of the new file: to go on with the old one would be to
        // write what nobody finds.
        let seen = file::sync_parent(&self.shared.path)
            .map_err(Fault::from)
            .and_then(|()| contain(|| engine.view()));
        match seen {
            Ok(view) => {
                self.take_over(view, engine);
                Ok(())
            }
            Err(fault) => {
                engine.close();
                let error = Refusal::of(&self.shared.name, fault).error;
                // What it is then, it tells by itself.
                let _ = self.reopen();
                Err(unknown(&error))
            }
        }
    }

    /// What is to be done whether or not anybody asks.
    fn tend(&mut self) {
        if self.swept.elapsed() < TICK {
            return;
        }
        self.swept = Instant::now();
        let resting = self.resting.as_ref();
        if resting.is_some_and(|(until, _)| Instant::now() < *until) {
            return;
        }
        let refusal = self.shared.refusal();
        let unsteady = self.shared.unsteady.load(Ordering::Relaxed);
        if refusal.as_ref().is_some_and(Refusal::may_pass) || (refusal.is_none() && unsteady) {
            let _ = self.reopen();
        }
        while self.sweep() {
            // With more to sweep, whoever waits is served first.
            if let Ok(job) = self.jobs.try_recv() {
                self.take(job);
            }
        }
    }

    /// Takes away some of what has expired. Answers whether there may be more.
    fn sweep(&mut self) -> bool {
        let now = self.shared.clock.now();
        let spaces = match &*self.shared.condition() {
            super::shared::Condition::Open(view) => contain(|| view.expired(now)),
            super::shared::Condition::Refused(_) => return false,
        };
        let spaces = match spaces {
            Ok(spaces) if spaces.is_empty() => return false,
            Ok(spaces) => spaces,
            Err(trouble) => {
                self.shared.judge(trouble);
                return false;
            }
        };
        let mut left = STEP;
        let swept = self.commit(now, |tables, _| {
            for space in &spaces {
                match tables.sweep(space, now, left) {
                    Ok(swept) => left -= swept,
                    Err(Trouble::Fault(fault)) => return Err(fault),
                    Err(Trouble::Refused(error)) => return Err(Fault::Damaged(error.to_string())),
                }
            }
            Ok(Replies::new())
        });
        if let Err(failure) = swept {
            self.recover(failure, 0);
            return false;
        }
        left == 0
    }
}

#[cfg(test)]
mod tests;
