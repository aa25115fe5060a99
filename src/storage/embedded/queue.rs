//! Writes on their way to the thread that makes them durable. Bounded by bytes and number, in all
//! and for each namespace, so that one component that writes without end does not keep the
//! others from writing.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::decide::{Change, Reply};
use super::restore::Fresh;
use crate::core::{ComponentName, StoreError};

/// Bytes that wait, in KiB.
const ROOM: u32 = 64 << 10;
/// Of these, what one namespace may have.
const ROOM_OF_A_SPACE: u32 = ROOM / 4;
/// What a write takes up at least, in KiB: at most 1,024 wait.
const LEAST: u32 = 64;
/// Restores beside them.
const OTHERS: usize = 16;
/// How long a write waits for room.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) enum Job {
    Change(ChangeJob),
    /// Takes a new file in the place of the old one.
    Replace(Box<Fresh>, oneshot::Sender<Result<(), StoreError>>),
}

/// A change, and who waits for it.
pub(super) struct ChangeJob {
    pub space: ComponentName,
    pub change: Change,
    reply: oneshot::Sender<Result<Reply, StoreError>>,
    _room: [OwnedSemaphorePermit; 2],
}

impl ChangeJob {
    pub fn answer(self, reply: Result<Reply, StoreError>) {
        // Who does not wait any more does not want to know.
        let _ = self.reply.send(reply);
    }
}

/// The end that jobs are put in.
pub(super) struct Queue {
    jobs: SyncSender<Job>,
    room: Arc<Semaphore>,
    /// Of the namespaces that have something waiting.
    spaces: Mutex<HashMap<ComponentName, Arc<Semaphore>>>,
}

pub(super) fn queue() -> (Queue, Receiver<Job>) {
    let (jobs, receiver) = sync_channel((ROOM / LEAST) as usize + OTHERS);
    let queue = Queue {
        jobs,
        room: Arc::new(Semaphore::new(ROOM as usize)),
        spaces: Mutex::default(),
    };
    (queue, receiver)
}

impl Queue {
    /// Has a change made, and waits until it is durable.
    ///
    /// # Errors
    /// Those of the change; [`StoreError::Busy`] if there is no room in time;
    /// [`StoreError::Unknown`] if the writer ends without an answer.
    pub async fn change(&self, space: &ComponentName, change: Change) -> Result<Reply, StoreError> {
        let room = tokio::time::timeout(PATIENCE, self.room(space, change.size()));
        let room = room.await.map_err(|_| StoreError::Busy)??;
        let (reply, answer) = oneshot::channel();
        self.put(Job::Change(ChangeJob {
            space: space.clone(),
            change,
            reply,
            _room: room,
        }))?;
        answer.await.map_err(|_| unanswered())?
    }

    /// Has a new file taken, and waits until it has its place.
    pub async fn replace(&self, fresh: Fresh) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.put(Job::Replace(Box::new(fresh), reply))?;
        answer.await.map_err(|_| unanswered())?
    }

    async fn room(
        &self,
        space: &ComponentName,
        size: u64,
    ) -> Result<[OwnedSemaphorePermit; 2], StoreError> {
        let size = u32::try_from(size.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        // What is larger than all the room goes alone.
        let size = size.clamp(LEAST, ROOM_OF_A_SPACE);
        let own = self.room_of(space).acquire_many_owned(size).await;
        let own = own.map_err(|_| ended())?;
        let room = self.room.clone().acquire_many_owned(size).await;
        Ok([own, room.map_err(|_| ended())?])
    }

    fn room_of(&self, space: &ComponentName) -> Arc<Semaphore> {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = spaces.get(space) {
            return room.clone();
        }
        spaces.retain(|_, room| Arc::strong_count(room) > 1);
        let room = Arc::new(Semaphore::new(ROOM_OF_A_SPACE as usize));
        spaces.insert(space.clone(), room.clone());
        room
    }

    fn put(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the store's writer has ended".into())
}

/// The writer had the job, and nobody can tell how far it came.
fn unanswered() -> StoreError {
    StoreError::Unknown("the store's writer has ended".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(bytes: usize) -> Change {
        let key = "key".parse().unwrap();
        let value = vec![0; bytes].into();
        Change::Write(vec![crate::core::Write::Set {
            key,
            value,
            ttl: None,
        }])
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_tells_the_sender_and_keeps_room_for_others() {
        let (queue, jobs) = queue();
        let queue = Arc::new(queue);
        let flood: ComponentName = "flood".parse().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..ROOM_OF_A_SPACE / LEAST {
            let (queue, flood) = (queue.clone(), flood.clone());
            waiting.push(tokio::spawn(
                async move { queue.change(&flood, set(1)).await },
            ));
            tokio::task::yield_now().await;
        }
        assert_eq!(queue.change(&flood, set(1)).await, Err(StoreError::Busy));
        let other: ComponentName = "other".parse().unwrap();
        let answered = async {
            for job in std::iter::from_fn(|| jobs.try_recv().ok()) {
                if let Job::Change(job) = job {
                    job.answer(Ok(Reply::Gone(0)));
                }
            }
        };
        let (reply, ()) = tokio::join!(queue.change(&other, set(1)), answered);
        assert_eq!(reply, Ok(Reply::Gone(0)));
    }

    #[tokio::test]
    async fn what_the_writer_leaves_unanswered_may_have_been_written() {
        let (queue, jobs) = queue();
        let space: ComponentName = "cart".parse().unwrap();
        let loses = async { drop(jobs.try_recv().unwrap()) };
        let (reply, ()) = tokio::join!(queue.change(&space, set(1)), loses);
        assert!(matches!(reply, Err(StoreError::Unknown(_))), "{reply:?}");
        drop(jobs);
        let reply = queue.change(&space, set(1)).await;
        assert!(
            matches!(reply, Err(StoreError::Unavailable(_))),
            "{reply:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_in_bytes_too() {
        let (queue, _jobs) = queue();
        let space: ComponentName = "large".parse().unwrap();
        let large = 15 << 20;
        let first = queue.change(&space, set(large));
        let first = tokio::time::timeout(Duration::from_millis(1), first).await;
        assert!(first.is_err(), "it waits for the writer");
        let second = queue.change(&space, set(large)).await;
        assert_eq!(second, Err(StoreError::Busy));
    }
}
