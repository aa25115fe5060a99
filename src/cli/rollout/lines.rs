//! One line for what happened, for logs and for people who scroll.

use super::describe::{outcome, phase, step, strategy, weights};
use crate::cli::admin::Event;
use crate::cli::terminal::plain;
use crate::lifecycle::{DeliveryStatus, RolloutStatus};
use crate::lifecycle::{Numbers, Verdict};

/// `2026-01-31T12:00:00.007Z  cart 1.5.0  step 2 of 4 at 25%`.
pub(in crate::cli) fn event(event: &Event) -> String {
    let rollout = event.status.as_ref().and_then(|it| it.rollout.as_ref());
    let what = match (event.kind.as_str(), rollout, &event.status) {
        ("rollout_started", Some(rollout), _) => format!("rollout started: {}", plan(rollout)),
        ("step", Some(rollout), _) => step(rollout),
        ("verdict", Some(rollout), _) => match &rollout.verdict {
            Some(found) => format!("{}: {}", step(rollout), verdict(found)),
            None => "verdict".into(),
        },
        ("traffic", _, Some(status)) => format!("traffic: {}", weights(&status.traffic)),
        (kind, ..) => kind.replace('_', " "),
    };
    let version = event.version.as_ref().map(|version| format!(" {version}"));
    let by = match event.by.as_str() {
        "" | "analysis" => String::new(),
        by => format!(", by {by}"),
    };
    let reason = event.reason.as_ref();
    // A verdict tells its reason itself.
    let reason = reason.filter(|reason| !what.contains(reason.as_str()));
    let reason = reason.map(|reason| format!(": {reason}"));
    plain(&format!(
        "{}  {}{}  {what}{by}{}",
        event.at,
        event.component,
        version.unwrap_or_default(),
        reason.unwrap_or_default()
    ))
}

/// The same for a change that no event told.
pub(super) fn change(status: &DeliveryStatus, before: Option<&RolloutStatus>) -> Option<String> {
    let now = status.rollout.as_ref()?;
    let what = match before {
        Some(before) if before == now => return None,
        Some(before) if before.phase != now.phase => match &now.reason {
            Some(reason) => format!("{}: {reason}", phase(now.phase)),
            None => phase(now.phase).into(),
        },
        Some(before) if before.step == now.step => match &now.verdict {
            Some(found) => format!("{}: {}", step(now), verdict(found)),
            None => return None,
        },
        Some(_) => step(now),
        None => format!("{}: {}", phase(now.phase), plan(now)),
    };
    let (changed, component, candidate) = (now.changed, &status.component, &now.candidate);
    Some(plain(&format!(
        "{changed}  {component} {candidate}  {what}"
    )))
}

/// `canary, 5% > 25% > 50% > 100%`.
fn plan(rollout: &RolloutStatus) -> String {
    let steps: Vec<_> = rollout
        .steps
        .iter()
        .map(|step| format!("{step}%"))
        .collect();
    format!("{}, {}", strategy(rollout.strategy), steps.join(" > "))
}

/// The verdict in words, with both sides' numbers.
pub(in crate::cli) fn verdict(verdict: &Verdict) -> String {
    let (candidate, stable) = (numbers(&verdict.candidate), numbers(&verdict.stable));
    let (outcome, reason) = (outcome(verdict.outcome), &verdict.reason);
    format!("{outcome}: {reason} (candidate: {candidate}; stable: {stable})")
}

/// `250 requests, 50 errors (20.00%): 50 traps, p99 12.1 ms`.
pub(in crate::cli) fn numbers(numbers: &Numbers) -> String {
    let Numbers {
        requests, errors, ..
    } = numbers;
    let mut text = format!("{requests} requests, {errors} errors");
    if *errors > 0 {
        text += &format!(" ({:.2}%)", numbers.error_rate() * 100.0);
        let kinds = [
            (numbers.traps, "traps"),
            (numbers.timeouts, "timeouts"),
            (numbers.memory, "out of memory"),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<_> = kinds
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        if !kinds.is_empty() {
            text += &format!(": {}", kinds.join(", "));
        }
    }
    match numbers.p99_ms {
        Some(p99) => format!("{text}, p99 {p99:.1} ms"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;
    use crate::lifecycle::Phase;

    fn line(kind: &str, status: DeliveryStatus) -> String {
        let line = event(&samples::event(kind, status));
        let rest = line.strip_prefix("2026-01-31T12:00:00.007Z  cart 1.5.0  ");
        rest.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    #[test]
    fn every_event_is_one_line() {
        for (kind, expected) in [
            (
                "rollout_started",
                "rollout started: canary, 5% > 25% > 50% > 100%, by ops",
            ),
            ("step", "step 2 of 4 at 25%, by ops"),
            ("traffic", "traffic: 1.4.2 75%, 1.5.0 25%, by ops"),
            ("rolled_back", "rolled back, by ops"),
            ("something_later", "something later, by ops"),
        ] {
            assert_eq!(line(kind, samples::running(1)), expected);
        }
        let verdict = line("verdict", samples::ended(Phase::RolledBack));
        assert_eq!(
            verdict,
            "step 4 of 4 at 100%: fail: error rate 20.00% is above 1.00% (candidate: 250 requests, \
             50 errors (20.00%): 50 traps, p99 12.1 ms; stable: 5000 requests, 2 errors (0.04%)), by ops"
        );
    }

    #[test]
    fn an_event_cannot_write_lines_of_its_own() {
        let mut hostile = samples::event("paused", samples::running(0));
        hostile.by = "analysis".into();
        hostile.reason = Some("x\n2026 cart 1.5.0 promoted\u{1b}[2K".into());
        let shown = event(&hostile);
        assert!(
            shown.ends_with("paused: x 2026 cart 1.5.0 promoted[2K"),
            "{shown:?}"
        );
    }

    #[test]
    fn what_no_event_told_is_told_by_what_differs() {
        let steps = |step| samples::running(step);
        let before = steps(0).rollout;
        assert_eq!(change(&steps(0), before.as_ref()), None);
        let told = |status: &DeliveryStatus, before: Option<&RolloutStatus>| {
            let line = change(status, before).unwrap();
            line.split_once("1.5.0  ").unwrap().1.to_owned()
        };
        assert_eq!(
            told(&steps(0), None),
            "running: canary, 5% > 25% > 50% > 100%"
        );
        assert_eq!(told(&steps(1), before.as_ref()), "step 2 of 4 at 25%");
        let ended = samples::ended(Phase::RolledBack);
        let expected = "rolled back: error rate 20.00% is above 1.00%";
        assert_eq!(told(&ended, before.as_ref()), expected);
    }
}
