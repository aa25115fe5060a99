//! `airgate status`: what serves, and the rollouts under way.

use clap::Args;

use super::admin::{AdminApi, Answer, Call, Client, Failure};
use super::running::{Running, running, state};
use super::table::{Cell, Column, Table};
use super::terminal::{Paint, plain};
use super::{names, print, rollout};
use crate::core::{ComponentName, Timestamp};
use crate::lifecycle::{DeliveryStatus, RolloutStatus, VersionStatus};
use crate::lifecycle::{Outcome, VersionOrigin};

#[derive(Args)]
pub(super) struct Status {
    /// One component, with more of its rollout. Default: a line for each version that serves
    #[arg(value_parser = names::component)]
    component: Option<ComponentName>,
    #[command(flatten)]
    api: AdminApi,
}

impl Status {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let path = match &self.component {
                Some(component) => format!("/v1/components/{component}/delivery"),
                None => "/v1/delivery".into(),
            };
            let answer = client.send(Call::get(path)).await?;
            let running = match self.api.json {
                true => Vec::new(),
                false => running(client, self.component.as_ref()).await?,
            };
            self.api
                .show(&answer, || self.text(client, &answer, &running))
        })
    }

    fn text(
        &self,
        client: &Client,
        answer: &Answer,
        running: &[Running],
    ) -> Result<String, Failure> {
        let now = Timestamp::now();
        if self.component.is_none() {
            let all: Vec<DeliveryStatus> = client.read_as(answer)?;
            return Ok(print::table(&table(&all, running, now)));
        }
        let one: DeliveryStatus = client.read_as(answer)?;
        let mut text = format!("generation {}\n", one.generation);
        text += &one
            .rollout
            .as_ref()
            .map_or(String::new(), |rollout| details(rollout, now));
        Ok(print::table(&table(&[one], running, now)) + "\n" + &text)
    }
}

fn table(all: &[DeliveryStatus], running: &[Running], now: Timestamp) -> Table {
    let mut table = Table::new(&[
        Column::Left("COMPONENT"),
        Column::Left("VERSION"),
        Column::Right("WEIGHT"),
        Column::Left("STATE"),
        Column::Left("ORIGIN"),
        Column::Right("AGE"),
        Column::Left("ROLLOUT"),
        Column::Left("VERDICT"),
    ]);
    for status in all {
        let sum = status.traffic.values().map(|it| u64::from(*it)).sum();
        for version in status.versions.iter().filter(|it| is_shown(it, status)) {
            let rollout = status.rollout.as_ref();
            let rollout = rollout.filter(|it| it.candidate == version.name);
            table.push([
                status.component.as_str().into(),
                version.name.as_str().into(),
                rollout::percent(version.weight, sum).into(),
                state_of(version, status, running),
                origin(version.origin).into(),
                rollout::age(version.added, now).into(),
                rollout.map_or("".into(), place),
                rollout.map_or("".into(), verdict),
            ]);
        }
    }
    table
}

/// Nothing, where the version is not loaded.
fn state_of(version: &VersionStatus, status: &DeliveryStatus, running: &[Running]) -> Cell {
    let mut components = running.iter();
    let component = components.find(|it| it.name == status.component.as_str());
    let mut versions = component.into_iter().flat_map(|it| &it.versions);
    let found = versions.find(|it| it.name == version.name.as_str());
    found.map_or_else(|| "".into(), state)
}

/// What serves, and what was meant to.
fn is_shown(version: &VersionStatus, status: &DeliveryStatus) -> bool {
    let is_candidate = |rollout: &RolloutStatus| rollout.candidate == version.name;
    version.weight > 0 || status.rollout.as_ref().is_some_and(is_candidate)
}

pub(super) fn origin(origin: VersionOrigin) -> &'static str {
    match origin {
        VersionOrigin::Configuration => "file",
        VersionOrigin::Deployed => "deployed",
    }
}

fn place(rollout: &RolloutStatus) -> Cell {
    Cell::painted(
        rollout::place(rollout),
        Some(rollout::painted(rollout.phase)),
    )
}

fn verdict(rollout: &RolloutStatus) -> Cell {
    let Some(verdict) = &rollout.verdict else {
        return "".into();
    };
    let (word, paint) = match verdict.outcome {
        Outcome::Pass => ("pass", Paint::Green),
        Outcome::Fail => ("fail", Paint::Red),
        Outcome::Inconclusive => ("inconclusive", Paint::Yellow),
    };
    Cell::painted(format!("{word}: {}", verdict.reason), Some(paint))
}

/// The rollout of one component, below its table.
fn details(rollout: &RolloutStatus, now: Timestamp) -> String {
    let started = rollout::age(rollout.started, now);
    let changed = rollout::age(rollout.changed, now);
    let mut lines = vec![
        format!(
            "rollout of {}: {}",
            rollout.candidate,
            rollout::place(rollout)
        ),
        format!(
            "  started {started} ago by {}, changed {changed} ago",
            rollout.by
        ),
    ];
    let reason = rollout.reason.as_ref();
    lines.extend(reason.map(|reason| format!("  {reason}")));
    if let Some(verdict) = &rollout.verdict {
        lines.push(format!(
            "  candidate: {}",
            rollout::numbers(&verdict.candidate)
        ));
        lines.push(format!(
            "  stable:    {}",
            rollout::numbers(&verdict.stable)
        ));
    }
    lines.iter().map(|line| plain(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;
    use crate::lifecycle::Phase;

    fn now() -> Timestamp {
        "2026-01-31T14:00:00Z".parse().unwrap()
    }

    #[test]
    fn who_serves_and_who_is_about_to_stand_in_a_table() {
        let running = serde_json::json!([{ "name": "cart", "versions": [
            { "name": "1.4.2", "state": "running", "restarts": 0 },
            { "name": "1.5.0", "state": "degraded", "restarts": 2 },
        ]}]);
        let running: Vec<Running> = serde_json::from_value(running).unwrap();
        let shown = table(&[samples::running(1)], &running, now()).render(false);
        let lines: Vec<_> = shown.lines().collect();
        let rollout = "canary, step 2 of 4 at 25%, running";
        assert_eq!(
            lines,
            [
                format!(
                    "COMPONENT  VERSION  WEIGHT  STATE     ORIGIN    AGE  {:35}  VERDICT",
                    "ROLLOUT"
                ),
                "cart       1.4.2       75%  running   file       2h".into(),
                format!(
                    "cart       1.5.0       25%  degraded  deployed   2h  {rollout}  pass: error rate 20.00% is above 1.00%"
                ),
            ]
        );
    }

    #[test]
    fn kept_versions_that_nobody_needs_are_not_shown() {
        let mut status = samples::running(0);
        status.versions[1].name = "forgotten".parse().unwrap();
        status.versions[1].weight = 0;
        let shown = table(&[status], &[], now()).render(false);
        assert!(
            shown.contains("1.4.2") && !shown.contains("forgotten"),
            "{shown}"
        );
    }

    #[test]
    fn a_rollout_is_told_in_full_for_one_component() {
        let rollout = samples::ended(Phase::RolledBack).rollout.unwrap();
        assert_eq!(
            details(&rollout, now()),
            "rollout of 1.5.0: canary, step 4 of 4 at 100%, rolled back\n  \
             started 2h ago by ops, changed 1h ago\n  \
             error rate 20.00% is above 1.00%\n  \
             candidate: 250 requests, 50 errors (20.00%): 50 traps, p99 12.1 ms\n  \
             stable:    5000 requests, 2 errors (0.04%)\n"
        );
    }
}
