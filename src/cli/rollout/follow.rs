//! Follows one rollout to its end: by its events, and by looking every few seconds, so that
//! a broken stream costs nothing but time. Ends by itself after a minute without an answer.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::end::{End, Outcome};
use super::view::View;
use crate::cli::admin::{Call, Client, Event, EventStream, Failure, Happening, is_passing};
use crate::core::{ComponentName, VersionName};
use crate::lifecycle::Record;
use crate::lifecycle::{DeliveryStatus, RolloutStatus};

const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(10);
const REDRAW_EVERY: Duration = Duration::from_secs(1);
/// As long as a gateway may take to start anew.
const OUTAGE: Duration = Duration::from_secs(60);
/// Of the journal: more than can happen between two looks.
const RECORDS: &str = "200";

/// Which one.
pub(in crate::cli) struct Rollout {
    pub component: ComponentName,
    pub candidate: VersionName,
    pub id: u64,
}

/// Draws it while it goes on.
///
/// # Errors
/// Nobody answers for a minute, or the token does not count any more.
pub(in crate::cli) async fn follow(
    client: &Client,
    rollout: &Rollout,
    first: &DeliveryStatus,
) -> Result<End, Failure> {
    let mut watch = Watch {
        client,
        rollout,
        view: View::new(),
        answered: Instant::now(),
    };
    if let Some(end) = watch.take(first, None).await? {
        return Ok(end);
    }
    let mut stream = Some(EventStream::new(client, None));
    let (mut look, mut redraw) = (interval(LOOK_EVERY), interval(REDRAW_EVERY));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let happening = {
            // Kept while others have their turn: a stream that is being opened goes on with it.
            let mut next = pin!(next_of(&mut stream));
            loop {
                let ended = tokio::select! {
                    happening = &mut next => break happening,
                    _ = look.tick() => watch.look().await?,
                    _ = redraw.tick() => {
                        watch.view.draw();
                        None
                    }
                };
                if let Some(end) = ended {
                    return Ok(end);
                }
            }
        };
        let ended = match happening {
            // What happened before it was open is not told.
            Ok(Happening::Opened | Happening::Missed(_)) => watch.look().await?,
            Ok(Happening::Event(event, _)) => watch.hear(&event).await?,
            Ok(Happening::Broken(_)) => None,
            Err(_) => {
                stream = None;
                None
            }
        };
        if let Some(end) = ended {
            return Ok(end);
        }
    }
}

/// A stream that is refused tells nothing more; looking goes on.
async fn next_of(stream: &mut Option<EventStream<'_>>) -> Result<Happening, Failure> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

struct Watch<'a> {
    client: &'a Client,
    rollout: &'a Rollout,
    view: View,
    answered: Instant,
}

impl Watch<'_> {
    async fn look(&mut self) -> Result<Option<End>, Failure> {
        let path = format!("/v1/components/{}/delivery", self.rollout.component);
        match self.client.send(Call::get(path).within(LOOK)).await {
            Ok(answer) => {
                self.heard();
                let status = self.client.read_as(&answer)?;
                self.take(&status, None).await
            }
            Err(failure) => self.fail(failure),
        }
    }

    /// A gateway may be started anew meanwhile.
    fn fail(&mut self, failure: Failure) -> Result<Option<End>, Failure> {
        if failure.status() == Some(404) {
            let candidate = self.rollout.candidate.clone();
            let reason = "the component is not there any more";
            return Ok(Some(End::superseded(candidate, reason)));
        }
        if is_passing(&failure) && self.answered.elapsed() < OUTAGE {
            self.view.cut_off(true);
            return Ok(None);
        }
        Err(failure)
    }

    async fn hear(&mut self, event: &Event) -> Result<Option<End>, Failure> {
        self.heard();
        if event.component != self.rollout.component.as_str() {
            return Ok(None);
        }
        match &event.status {
            Some(status) => self.take(status, Some(event)).await,
            // It may be an old event: what is there now decides.
            None => self.look().await,
        }
    }

    fn heard(&mut self) {
        self.answered = Instant::now();
        self.view.cut_off(false);
    }

    async fn take(
        &mut self,
        status: &DeliveryStatus,
        event: Option<&Event>,
    ) -> Result<Option<End>, Failure> {
        // An event of the time before it.
        let is_older = |it: &RolloutStatus| it.id < self.rollout.id;
        if event.is_some() && status.rollout.as_ref().is_none_or(is_older) {
            return Ok(None);
        }
        match Outcome::of(self.rollout.id, status) {
            Outcome::Going => {
                self.view.take(status, event);
                Ok(None)
            }
            Outcome::Ended(rollout) => {
                self.view.take(status, event);
                Ok(Some(End::from(&*rollout)))
            }
            Outcome::Replaced => self.in_journal().await,
        }
    }

    /// How a rollout ended of which only the journal knows.
    async fn in_journal(&mut self) -> Result<Option<End>, Failure> {
        let path = format!("/v1/components/{}/history", self.rollout.component);
        let call = Call::get(path).query("limit", Some(RECORDS.into()));
        let answer = match self.client.send(call.within(LOOK)).await {
            Ok(answer) => answer,
            Err(failure) => return self.fail(failure),
        };
        let records: Vec<Record> = self.client.read_as(&answer)?;
        let last = last_of(self.rollout.id, &records);
        let candidate = self.rollout.candidate.clone();
        Ok(Some(match last.filter(|it| !it.phase.is_active()) {
            Some(rollout) => End::from(&rollout),
            None => End::superseded(candidate, "another change came in its place"),
        }))
    }
}

/// The state of a rollout in its last record.
fn last_of(id: u64, records: &[Record]) -> Option<RolloutStatus> {
    let rollouts = records.iter().filter_map(|record| {
        let rollout = record.after.as_ref()?.rollout.as_ref()?;
        (rollout.id == id).then_some((record.seq, rollout))
    });
    let last = rollouts.max_by_key(|(seq, _)| *seq);
    last.map(|(_, rollout)| RolloutStatus::from(rollout))
}
