//! The way from a guest to the bus, the same for every interface: topic, grant, allowance,
//! message. Nothing here waits for a receiver with room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::letter::Letter;
use crate::core::{Message, MessageBus, RequestOptions, Spread, Topic, TopicPattern};
use crate::monitoring::{SendKind, SendResult};
use crate::runtime::guard::Verdict;
use crate::runtime::guest::Guest;
use crate::runtime::instance::Recipe;

pub(super) const PUBLISH: &str = "publish";
pub(super) const REQUEST: &str = "request";

/// What the address of a reply begins with.
const INBOX: &str = "_INBOX.";
/// Replies that one request may wait for.
const REPLIES: u32 = 100;

/// How long a guest waits, and for how many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// `None`, or more than the guest itself has: nearly as long as that.
    pub timeout: Option<Duration>,
    /// None is one, and a hundred is the most.
    pub replies: u32,
}

/// Sends to a topic, or to the address of a reply. Answers how many get it.
pub(super) async fn publish(
    guest: &mut Guest,
    topic: &str,
    letter: Result<Letter, Failure>,
    spread: Spread,
) -> Result<u32, Failure> {
    let (kind, topic) = match topic.starts_with(INBOX) {
        true => (SendKind::Reply, reply_address(topic)),
        false => (SendKind::Publish, topic.parse().map_err(Failure::from)),
    };
    send(guest, kind, topic, letter, spread).await
}

/// Sends to the address that came with a message. On a cluster nobody can tell whether somebody
/// still waits there, so nobody is told.
pub(super) async fn reply(
    guest: &mut Guest,
    address: Topic,
    letter: Result<Letter, Failure>,
) -> Result<(), Failure> {
    let sent = send(guest, SendKind::Reply, Ok(address), letter, Spread::Shared);
    sent.await.map(drop)
}

/// An address of a reply, as text. Nobody can guess one.
pub(super) fn reply_address(text: &str) -> Result<Topic, Failure> {
    match text.starts_with(INBOX) {
        true => Ok(Topic::internal(text)?),
        false => Err(Failure::ReplyAddress),
    }
}

async fn send(
    guest: &mut Guest,
    kind: SendKind,
    topic: Result<Topic, Failure>,
    letter: Result<Letter, Failure>,
    spread: Spread,
) -> Result<u32, Failure> {
    let recipe = guest.recipe().clone();
    let sent = match ready(guest, kind, topic, letter) {
        Ok((bus, message)) => match bus.publish(message, spread).await {
            Ok(receipt) => Ok(receipt.receivers),
            Err(error) => Err(error.into()),
        },
        Err(failure) => Err(failure),
    };
    let result = sent
        .as_ref()
        .map_or_else(Failure::result, |_| SendResult::Ok);
    recipe.reach.sent.count(kind, result);
    match sent {
        Err(Failure::NoRequester) => Ok(0),
        sent => sent,
    }
}

/// Everything that is checked before the bus has it.
fn ready(
    guest: &mut Guest,
    kind: SendKind,
    topic: Result<Topic, Failure>,
    letter: Result<Letter, Failure>,
) -> Result<(Arc<dyn MessageBus>, Message), Failure> {
    match kind {
        SendKind::Request => guest.outgoing.count_request(),
        SendKind::Publish | SendKind::Reply => guest.outgoing.count_message(),
    }
    .ok_or(Failure::Exhausted)?;
    let topic = topic?;
    let grants = &guest.recipe().reach.grants;
    match kind {
        SendKind::Publish => expect_granted(guest, PUBLISH, &grants.publish, &topic)?,
        SendKind::Request => expect_granted(guest, REQUEST, &grants.request, &topic)?,
        SendKind::Reply => {}
    }
    let letter = letter?;
    let bus = guest.recipe().reach.services.bus();
    let bus = bus.ok_or(Failure::NoBus)?.clone();
    Ok((bus, letter.to(topic, guest)))
}

fn expect_granted(
    guest: &Guest,
    capability: &'static str,
    granted: &[TopicPattern],
    topic: &Topic,
) -> Result<(), Failure> {
    if granted.iter().any(|pattern| pattern.matches(topic)) {
        return Ok(());
    }
    let guard = guest.guard();
    match guard.deny(capability, topic, &"not granted", guest.origin().id) {
        Verdict::Audited => Ok(()),
        Verdict::Refused => Err(Failure::Denied),
    }
}

/// A request that is ready to be made. To be spawned: the bus may run its receivers in the task
/// that waits, and a guest is never polled inside another. Dropping it cancels the request.
pub(super) fn request(
    guest: &mut Guest,
    topic: &str,
    letter: Result<Letter, Failure>,
    patience: Patience,
) -> Result<impl Future<Output = Result<Vec<Message>, Failure>> + Send + 'static, Failure> {
    let mut counted = Counted::new(guest.recipe());
    let topic = topic.parse::<Topic>().map_err(Failure::from);
    let ready = ready(guest, SendKind::Request, topic, letter);
    let (bus, message) = ready.inspect_err(|failure| counted.result = failure.result())?;
    let options = options(guest, patience);
    Ok(async move {
        // As a whole: it counts when it is dropped.
        let mut counted = counted;
        let answer = bus.request(message, options).await;
        let answer = answer.map_err(Failure::from);
        counted.result = answer
            .as_ref()
            .map_or_else(Failure::result, |_| SendResult::Ok);
        answer
    })
}

fn options(guest: &mut Guest, patience: Patience) -> RequestOptions {
    let now = Instant::now();
    let most = guest.patience(now);
    let timeout = patience.timeout.map_or(most, |asked| asked.min(most));
    RequestOptions {
        deadline: now + timeout,
        replies: patience.replies.clamp(1, REPLIES),
    }
}

/// Counts a request when it is over, and as cancelled where nobody has waited for its end.
struct Counted {
    recipe: Arc<Recipe>,
    result: SendResult,
}

impl Counted {
    fn new(recipe: &Arc<Recipe>) -> Self {
        Self {
            recipe: recipe.clone(),
            result: SendResult::Cancelled,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let sent = &self.recipe.reach.sent;
        sent.count(SendKind::Request, self.result);
    }
}
