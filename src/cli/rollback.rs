//! `airgate rollback`: back to what served before, at once.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use tokio::time::{sleep, timeout};

use super::admin::{AdminApi, Call, Client, Failure, is_passing};
use super::{exit, names, print, rollout};
use crate::core::{ComponentName, VersionName, parse_duration};
use crate::lifecycle::DeliveryStatus;

const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Args)]
#[command(after_help = "It works while the configuration is broken and while a rollout is paused.")]
pub(super) struct Rollback {
    /// The component
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// Give all traffic to this version, instead of what served before
    #[arg(long, value_name = "VERSION", value_parser = names::version)]
    to: Option<VersionName>,
    /// In words, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only if the component is still at this generation
    #[arg(long, value_name = "N")]
    if_generation: Option<u64>,
    /// Return when versions without traffic have answered their last request
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    api: AdminApi,
}

impl Rollback {
    pub fn run(self) -> u8 {
        self.api.run(async |client| self.roll_back(client).await)
    }

    async fn roll_back(&self, client: &Client) -> Result<u8, Failure> {
        let call = Call::post(format!("/v1/components/{}/rollback", self.component));
        let call = call.json(&self.body()).if_generation(self.if_generation);
        let answer = client.send(call).await?;
        if self.wait {
            let status: DeliveryStatus = client.read_as(&answer)?;
            let drained = timeout(self.timeout, self.drained(client, &status));
            match drained.await {
                Ok(drained) => drained?,
                Err(_) => {
                    print::note(&"rolled back; requests of versions without traffic still run");
                    return Ok(exit::FAILED);
                }
            }
        }
        self.api
            .show(&answer, || Ok(rollout::serving(&client.read_as(&answer)?)))
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        let to = self.to.as_ref().map(ToString::to_string);
        for (name, value) in [("to", to), ("reason", self.reason.clone())] {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        body.into()
    }

    /// Waits until no instance of a version without traffic is busy.
    async fn drained(&self, client: &Client, status: &DeliveryStatus) -> Result<(), Failure> {
        let path = format!("/v1/components/{}", self.component);
        loop {
            match client.send(Call::get(&path)).await {
                Ok(answer) if busy(&client.read_as(&answer)?, status) == 0 => return Ok(()),
                Ok(_) => {}
                Err(failure) if is_passing(&failure) => {}
                Err(failure) => return Err(failure),
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Busy instances of versions without traffic, in the view of a component.
fn busy(component: &Value, status: &DeliveryStatus) -> u64 {
    let versions = component["versions"].as_array();
    let versions = versions.map(Vec::as_slice).unwrap_or_default();
    let idle = versions.iter().filter(|version| {
        let name = version["name"].as_str().unwrap_or_default();
        status.traffic.get(name).copied().unwrap_or(0) == 0
    });
    idle.filter_map(|version| version["instances"]["busy"].as_u64())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Phase;
    use serde_json::json;

    #[test]
    fn only_versions_without_traffic_are_waited_for() {
        let status = rollout::samples::ended(Phase::RolledBack);
        let version =
            |name: &str, busy: u64| json!({ "name": name, "instances": { "busy": busy } });
        let view =
            json!({ "versions": [version("1.4.2", 7), version("1.5.0", 2), version("old", 1)] });
        assert_eq!(busy(&view, &status), 3);
        assert_eq!(busy(&json!({}), &status), 0);
    }
}
