//! Words and numbers for people. Only [`serving`] is fit to be printed as it is: in the others
//! text of the server's is still what the server sent.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::terminal::{Paint, plain};
use crate::core::{Strategy, Timestamp, Weight};
use crate::lifecycle::{DeliveryStatus, RolloutStatus};
use crate::lifecycle::{Outcome, Phase};

/// A share of the whole, to a hundredth of a percent.
pub(in crate::cli) fn percent(weight: Weight, sum: u64) -> String {
    let hundredths = (u64::from(weight) * 20_000 + sum) / (2 * sum.max(1));
    match (hundredths / 100, hundredths % 100) {
        (0, 0) if weight > 0 => "<0.01%".into(),
        (whole, 0) => format!("{whole}%"),
        (whole, rest) if rest % 10 == 0 => format!("{whole}.{}%", rest / 10),
        (whole, rest) => format!("{whole}.{rest:02}%"),
    }
}

/// `1.4.2 95%, 1.5.0 5%`.
pub(in crate::cli) fn weights(traffic: &BTreeMap<String, Weight>) -> String {
    let sum = traffic.values().map(|weight| u64::from(*weight)).sum();
    let mut shares: Vec<_> = traffic.iter().filter(|(_, weight)| **weight > 0).collect();
    shares.sort_by_key(|(_, weight)| std::cmp::Reverse(**weight));
    let shares = shares
        .into_iter()
        .map(|(version, weight)| format!("{version} {}", percent(*weight, sum)));
    let shares: Vec<_> = shares.collect();
    match shares.is_empty() {
        true => "nothing".into(),
        false => shares.join(", "),
    }
}

/// What serves now, and what is about to.
pub(in crate::cli) fn serving(status: &DeliveryStatus) -> String {
    let component = &status.component;
    let mut text = plain(&format!("{component} serves {}", weights(&status.traffic))) + "\n";
    if let Some(rollout) = status.rollout.as_ref().filter(|it| it.phase.is_active()) {
        text += &format!("rollout of {}: {}\n", rollout.candidate, place(rollout));
    }
    text
}

/// `canary, step 2 of 4 at 25%, running`.
pub(in crate::cli) fn place(rollout: &RolloutStatus) -> String {
    let strategy = strategy(rollout.strategy);
    let phase = phase(rollout.phase);
    match rollout.steps.len() {
        0 | 1 => format!("{strategy}, {phase}"),
        _ => format!("{strategy}, {}, {phase}", step(rollout)),
    }
}

pub(super) fn step(rollout: &RolloutStatus) -> String {
    let (step, steps) = (rollout.step.saturating_add(1), rollout.steps.len());
    format!("step {step} of {steps} at {}%", rollout.percent)
}

pub(super) fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Canary => "canary",
        Strategy::BlueGreen => "blue-green",
        Strategy::Rolling => "rolling",
        Strategy::Immediate => "immediate",
    }
}

pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Paused => "paused",
        Phase::Promoted => "promoted",
        Phase::RolledBack => "rolled back",
        Phase::Aborted => "aborted",
        Phase::Superseded => "superseded",
    }
}

pub(in crate::cli) fn painted(phase: Phase) -> Paint {
    match phase {
        Phase::Running | Phase::Paused => Paint::Yellow,
        Phase::Promoted => Paint::Green,
        Phase::RolledBack | Phase::Aborted | Phase::Superseded => Paint::Red,
    }
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
    }
}

/// `12s`, `5m`, `3h`, `2d`; a clock ahead of ours makes it 0.
pub(in crate::cli) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_millis().saturating_sub(since.as_millis()) / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `41s`, `3m12s`, `1h05m`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;

    #[test]
    fn shares_are_exact_to_a_hundredth() {
        for (weight, sum, shown) in [
            (95, 100, "95%"),
            (1, 3, "33.33%"),
            (1, 8, "12.5%"),
            (2, 3, "66.67%"),
            (1, 1_000_000, "<0.01%"),
            (0, 100, "0%"),
            (0, 0, "0%"),
            (u32::MAX, u64::from(u32::MAX), "100%"),
        ] {
            assert_eq!(percent(weight, sum), shown, "{weight}/{sum}");
        }
    }

    #[test]
    fn the_most_is_told_first_and_nothing_is_left_out() {
        let traffic =
            [("b", 5), ("a", 95), ("c", 0)].map(|(name, weight)| (name.to_owned(), weight));
        assert_eq!(weights(&traffic.into()), "a 95%, b 5%");
        assert_eq!(weights(&BTreeMap::new()), "nothing");
    }

    #[test]
    fn what_serves_is_told_with_what_is_about_to() {
        let status = samples::running(1);
        assert_eq!(
            serving(&status),
            "cart serves 1.4.2 75%, 1.5.0 25%\n\
             rollout of 1.5.0: canary, step 2 of 4 at 25%, running\n"
        );
        let mut ended = samples::ended(Phase::Promoted);
        assert_eq!(serving(&ended), "cart serves 1.5.0 100%\n");
        ended.traffic = [("x\u{1b}[2J\n".to_owned(), 1)].into();
        assert_eq!(serving(&ended), "cart serves x[2J  100%\n");
    }

    #[test]
    fn ages_and_clocks_are_short() {
        let at = Timestamp::from_millis;
        for (millis, shown) in [
            (0, "0s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (7_200_000, "2h"),
            (200_000_000, "2d"),
        ] {
            assert_eq!(age(at(1_000), at(1_000 + millis)), shown);
        }
        assert_eq!(age(at(5_000), at(1_000)), "0s");
        for (seconds, shown) in [(41, "41s"), (192, "3m12s"), (3_900, "1h05m")] {
            assert_eq!(clock(Duration::from_secs(seconds)), shown);
        }
    }
}
