//! What the numbers of a window say, in words, with the number that decides and its bound.

use super::figure;
use super::window::Window;
use crate::core::RolloutPolicy;
use crate::lifecycle::state::Numbers;

/// What the failures of the candidate say.
#[derive(Debug, PartialEq)]
pub(super) enum Errors {
    TooFewRequests(String),
    Within(String),
    Above(String),
    /// Above, but going back to the stable version would not help.
    AboveAsStable(String),
}

pub(super) fn errors(policy: &RolloutPolicy, window: &Window) -> Errors {
    let Window {
        candidate, stable, ..
    } = window;
    let enough = policy.min_requests;
    let requests = candidate.requests;
    if requests < enough {
        let seconds = figure::short(window.length.as_secs_f64());
        return Errors::TooFewRequests(format!(
            "{requests} requests in {seconds} s say nothing, fewer than {enough}"
        ));
    }
    let (rate, bound) = (candidate.error_rate(), policy.max_error_rate);
    let (percent, most) = figure::apart(rate * 100.0, bound * 100.0);
    let sentence = format!("error rate {percent} % of {requests} requests is");
    if rate <= bound {
        return Errors::Within(format!("{sentence} within {most} %"));
    }
    let sentence = format!("{sentence} above {most} %");
    if stable.requests >= enough && stable.error_rate() >= rate {
        let percent = figure::short(stable.error_rate() * 100.0);
        return Errors::AboveAsStable(format!(
            "{sentence}, but the stable version fails as often: {percent} % of {}",
            stable.requests
        ));
    }
    Errors::Above(sentence)
}

/// What the candidate's latencies say beside the stable version's.
#[derive(Debug, PartialEq)]
pub(super) enum Latency {
    /// Nobody asked.
    Unasked,
    NotCompared(String),
    Within(String),
    Above(String),
}

/// Both after at least `min_requests` of the candidate's. `when` tells when the stable version was counted, where that was not in the window.
pub(super) fn latency(
    policy: &RolloutPolicy,
    candidate: &Numbers,
    stable: &Numbers,
    when: &str,
) -> Latency {
    let Some(bound) = policy.max_p99_ratio else {
        return Latency::Unasked;
    };
    let enough = policy.min_requests;
    if stable.requests < enough {
        let requests = stable.requests;
        return Latency::NotCompared(format!(
            "p99 is not compared, as the stable version had {requests} requests{when}, \
             fewer than {enough}"
        ));
    }
    let (Some(ours), Some(theirs)) = (candidate.p99_ms, stable.p99_ms) else {
        let reason = "p99 is not compared, as one of both had no requests";
        return Latency::NotCompared(reason.into());
    };
    let ratio = ours / theirs.max(f64::MIN_POSITIVE);
    let (times, most) = figure::apart(ratio, bound);
    let (ours, theirs) = (figure::short(ours), figure::short(theirs));
    let sentence = format!("p99 {ours} ms is {times} times the stable version's {theirs} ms{when}");
    match ratio <= bound {
        true => Latency::Within(format!("{sentence}, within {most}")),
        false => Latency::Above(format!("{sentence}, above {most}")),
    }
}
