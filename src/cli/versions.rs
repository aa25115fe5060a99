//! `airgate versions`: what is kept of a component, and what was done with it.

use clap::Args;

use super::admin::{AdminApi, Call, Client, Failure};
use super::status::origin;
use super::table::{Cell, Column, Table};
use super::terminal::{Paint, plain};
use super::{names, print, rollout};
use crate::core::{ByteSize, ComponentName, Timestamp};
use crate::lifecycle::DeliveryStatus;
use crate::lifecycle::Traffic;
use crate::lifecycle::{Action, Record};

#[derive(Args)]
pub(super) struct Versions {
    /// The component
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// Show what the journal has of it instead, the newest first
    #[arg(long)]
    history: bool,
    /// Lines of history
    #[arg(long, value_name = "N", default_value_t = 50, requires = "history")]
    limit: u32,
    #[command(flatten)]
    api: AdminApi,
}

impl Versions {
    pub fn run(self) -> u8 {
        self.api.run(async |client| match self.history {
            true => self.history(client).await,
            false => self.kept(client).await,
        })
    }

    async fn kept(&self, client: &Client) -> Result<u8, Failure> {
        let path = format!("/v1/components/{}/delivery", self.component);
        let answer = client.send(Call::get(path)).await?;
        self.api.show(&answer, || {
            let status: DeliveryStatus = client.read_as(&answer)?;
            let table = print::table(&kept(&status, Timestamp::now()));
            Ok(format!("{table}\n{}\n", plain(&way_back(&status))))
        })
    }

    async fn history(&self, client: &Client) -> Result<u8, Failure> {
        let path = format!("/v1/components/{}/history", self.component);
        let call = Call::get(path).query("limit", Some(self.limit.to_string()));
        let answer = client.send(call).await?;
        self.api.show(&answer, || {
            let records: Vec<Record> = client.read_as(&answer)?;
            Ok(print::table(&history(&records)))
        })
    }
}

fn kept(status: &DeliveryStatus, now: Timestamp) -> Table {
    let mut table = Table::new(&[
        Column::Left("VERSION"),
        Column::Left("DIGEST"),
        Column::Right("SIZE"),
        Column::Left("ORIGIN"),
        Column::Right("ADDED"),
        Column::Right("WEIGHT"),
        Column::Left("LOADED"),
    ]);
    let sum = status.traffic.values().map(|it| u64::from(*it)).sum();
    for version in &status.versions {
        let loaded = match version.loaded {
            true => "yes".into(),
            false => Cell::painted("no", (version.weight > 0).then_some(Paint::Red)),
        };
        table.push([
            version.name.as_str().into(),
            version.digest.short_name().as_str().into(),
            size(version.bytes).into(),
            origin(version.origin).into(),
            rollout::age(version.added, now).into(),
            rollout::percent(version.weight, sum).into(),
            loaded,
        ]);
    }
    table
}

/// About as large.
pub(super) fn size(bytes: u64) -> String {
    let (unit, shift) = match bytes {
        0..1_024 => return format!("{} B", ByteSize(bytes)),
        0x400..0x10_0000 => ("KiB", 10),
        _ => ("MiB", 20),
    };
    format!("{:.1} {unit}", bytes as f64 / f64::from(1 << shift))
}

fn way_back(status: &DeliveryStatus) -> String {
    let rollout = status.rollout.as_ref();
    if let Some(rollout) = rollout.filter(|rollout| rollout.phase.is_active()) {
        let candidate = &rollout.candidate;
        return format!(
            "rollback ends the rollout of {candidate}, and brings back what served before"
        );
    }
    match &status.previous {
        Some(previous) => format!("rollback goes back to {}", rollout::weights(previous)),
        None => "rollback has nothing to go back to".into(),
    }
}

fn history(records: &[Record]) -> Table {
    let mut table = Table::new(&[
        Column::Right("SEQ"),
        Column::Left("AT"),
        Column::Left("BY"),
        Column::Left("ACTION"),
        Column::Left("VERSION"),
        Column::Left("TRAFFIC"),
        Column::Left("REASON"),
    ]);
    for record in records {
        let version = record.version.as_ref().map(|version| version.as_str());
        let after = record.after.as_ref();
        let verdict = record.verdict.as_ref();
        let reason = record.reason.clone().or(verdict.map(rollout::verdict));
        table.push([
            record.seq.to_string().into(),
            record.at.to_string().into(),
            (&record.by).into(),
            action(record.action).into(),
            version.unwrap_or_default().into(),
            after
                .map(|it| traffic(&it.traffic))
                .unwrap_or_default()
                .into(),
            reason.unwrap_or_default().into(),
        ]);
    }
    table
}

fn traffic(traffic: &Traffic) -> String {
    let shares = traffic.iter();
    let shares = shares.map(|share| (share.version.to_string(), share.weight));
    rollout::weights(&shares.collect())
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Configured => "configured",
        Action::Removed => "removed",
        Action::Deployed => "deployed",
        Action::RolloutStarted => "rollout started",
        Action::Step => "step",
        Action::Verdict => "verdict",
        Action::Paused => "paused",
        Action::Resumed => "resumed",
        Action::Promoted => "promoted",
        Action::RolledBack => "rolled back",
        Action::Aborted => "aborted",
        Action::Traffic => "traffic",
        Action::Collected => "collected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;

    #[test]
    fn kept_versions_stand_in_a_table() {
        let now = "2026-01-31T12:05:00Z".parse().unwrap();
        let mut status = samples::running(0);
        status.versions[0].loaded = false;
        let expected = "\
VERSION  DIGEST             SIZE  ORIGIN    ADDED  WEIGHT  LOADED
1.4.2    aaaaaaaaaaaa  100.0 KiB  file         5m     95%  no
1.5.0    bbbbbbbbbbbb  100.0 KiB  deployed     5m      5%  yes
";
        assert_eq!(kept(&status, now).render(false), expected);
        assert!(way_back(&status).starts_with("rollback ends the rollout of 1.5.0"));
        status.rollout = None;
        assert_eq!(way_back(&status), "rollback goes back to 1.4.2 100%");
        status.previous = None;
        assert_eq!(way_back(&status), "rollback has nothing to go back to");
    }

    #[test]
    fn sizes_are_rounded() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (12 << 20, "12.0 MiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn history_tells_who_what_and_why() {
        let records: Vec<Record> = serde_json::from_str(
            r#"[{"seq":8,"at":"2026-01-31T12:00:00.007Z","by":"ops","component":"cart",
                 "action":"rolled_back","version":"1.5.0","reason":"too\nslow",
                 "after":{"generation":3,"statement":null,"versions":[],
                          "traffic":[{"version":"1.4.2","weight":1}]}},
                {"seq":7,"at":"2026-01-31T11:00:00Z","by":"configuration","component":"cart",
                 "action":"removed"}]"#,
        )
        .unwrap();
        let expected = "\
SEQ  AT                        BY             ACTION       VERSION  TRAFFIC     REASON
  8  2026-01-31T12:00:00.007Z  ops            rolled back  1.5.0    1.4.2 100%  too slow
  7  2026-01-31T11:00:00.000Z  configuration  removed
";
        assert_eq!(history(&records).render(false), expected);
    }
}
