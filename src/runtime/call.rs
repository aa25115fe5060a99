//! What the runtime must know of one request besides the request itself.

use std::time::{Duration, Instant};

use crate::core::{Limits, Origin};

/// One request's identity and the clock its deadlines count from.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub origin: Origin,
    pub arrived: Instant,
    pub scheme: Scheme,
}

/// How the client reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Until when an instance has time for what it serves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallEnd {
    /// For the head of its response, which is still to come.
    head: Option<Instant>,
    /// The heads that are still to come.
    heads: u32,
    /// For everything; `None`: as long as it likes.
    end: Option<Instant>,
}

/// What a guest that waits for others keeps for itself, at most: for an answer of its own.
const LAST_WORD: Duration = Duration::from_millis(100);

impl CallEnd {
    /// Of a call whose answer is what it returns.
    pub fn at(deadline: Instant) -> Self {
        Self {
            end: Some(deadline),
            ..Self::default()
        }
    }

    /// Of a request, whose answer streams.
    pub fn of(call: &Call, limits: &Limits) -> Self {
        Self {
            head: Some(call.arrived + limits.timeout),
            heads: 1,
            end: limits.stream_timeout.map(|timeout| call.arrived + timeout),
        }
    }

    /// Another request is served beside it. Nobody can tell which one waits: the latest end
    /// counts.
    pub fn join(&mut self, other: Self) {
        self.head = self.head.max(other.head);
        self.heads = self.heads.saturating_add(other.heads);
        self.end = match (self.end, other.end) {
            (Some(one), Some(another)) => Some(one.max(another)),
            _ => None,
        };
    }

    /// A head is there.
    pub fn answered(&mut self) {
        self.heads = self.heads.saturating_sub(1);
    }

    /// How long the guest may wait for others now, never longer than `timeout`, so that there is
    /// a little time left for it. `is_answered`: its response has begun, whether or not that was
    /// told here.
    pub fn patience(&self, timeout: Duration, is_answered: bool, now: Instant) -> Duration {
        let is_due = self.heads > 0 && !is_answered;
        // One that is past was for a request that has gone: else nobody would ask any more.
        let head = self.head.filter(|head| is_due && *head > now);
        let left = match head.or(self.end) {
            Some(end) => end.saturating_duration_since(now).min(timeout),
            None => timeout,
        };
        left - (left / 10).min(LAST_WORD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Cohort, Forced, RequestId};

    const SECOND: Duration = Duration::from_secs(1);

    fn request(arrived: Instant) -> CallEnd {
        let id = RequestId::next();
        let call = Call {
            origin: Origin::at_the_edge(id, Cohort::of(id), Forced::NONE),
            arrived,
            scheme: Scheme::Http,
        };
        // 5 s for the head, 60 s for the body.
        CallEnd::of(&call, &Limits::default())
    }

    #[test]
    fn a_guest_waits_until_a_little_before_its_own_end() {
        let now = Instant::now();
        let left = |end: CallEnd, after| end.patience(5 * SECOND, false, now + after);
        let millis = Duration::from_millis;
        assert_eq!(left(request(now), Duration::ZERO), millis(4_900));
        assert_eq!(left(request(now), 4 * SECOND), millis(900));
        assert_eq!(left(request(now), millis(4_900)), millis(90));
        let message = CallEnd::at(now + 2 * SECOND);
        assert_eq!(left(message, SECOND), millis(900));
        assert_eq!(left(message, 2 * SECOND), Duration::ZERO);
        assert_eq!(left(message, 3 * SECOND), Duration::ZERO);
    }

    #[test]
    fn a_response_that_streams_has_its_own_end() {
        let now = Instant::now();
        let later = now + 4 * SECOND;
        let mut streams = request(now);
        assert_eq!(streams.patience(9 * SECOND, true, later), SECOND * 89 / 10);
        streams.answered();
        assert_eq!(streams.patience(9 * SECOND, false, later), SECOND * 89 / 10);
        let last = now + 59 * SECOND;
        assert_eq!(streams.patience(9 * SECOND, true, last), SECOND * 9 / 10);
    }

    #[test]
    fn of_several_requests_the_latest_head_counts_until_all_are_there() {
        let now = Instant::now();
        let mut both = request(now);
        both.join(request(now + SECOND));
        let later = now + 4 * SECOND;
        both.answered();
        assert_eq!(both.patience(9 * SECOND, false, later), SECOND * 19 / 10);
        both.answered();
        assert_eq!(both.patience(9 * SECOND, false, later), SECOND * 89 / 10);
    }

    #[test]
    fn a_request_that_has_gone_keeps_nobody_from_waiting() {
        let now = Instant::now();
        let mut both = request(now);
        both.join(request(now));
        both.answered();
        let later = now + 6 * SECOND;
        assert_eq!(both.patience(9 * SECOND, false, later), SECOND * 89 / 10);
    }
}
