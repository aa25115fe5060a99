//! `airgate promote`, `pause`, `resume` and `abort`: what an operator does to a rollout that is
//! under way.

use clap::Args;
use serde_json::json;

use super::admin::{AdminApi, Call};
use super::{names, rollout};
use crate::core::ComponentName;

#[derive(Args)]
pub(super) struct Steer {
    /// The component that is being rolled out
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// In words, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only if the component is still at this generation
    #[arg(long, value_name = "N")]
    if_generation: Option<u64>,
    #[command(flatten)]
    api: AdminApi,
}

impl Steer {
    pub fn run(self, verb: &str) -> u8 {
        self.api.run(async |client| {
            let body = match &self.reason {
                Some(reason) => json!({ "reason": reason }),
                None => json!({}),
            };
            let call = Call::post(format!("/v1/components/{}/{verb}", self.component));
            let call = call.json(&body).if_generation(self.if_generation);
            let answer = client.send(call).await?;
            self.api
                .show(&answer, || Ok(rollout::serving(&client.read_as(&answer)?)))
        })
    }
}
