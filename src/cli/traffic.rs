//! `airgate traffic`: weights by hand, for who splits traffic without a rollout.

use clap::Args;
use serde_json::{Map, Value};

use super::admin::{AdminApi, Call};
use super::names::{self, Weighted};
use super::{exit, print, rollout};
use crate::core::ComponentName;

#[derive(Args)]
#[command(after_help = "Example:\n  airgate traffic cart 1.4.2=95 1.5.0=5")]
pub(super) struct Traffic {
    /// The component
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// The weight of each version; what is not listed gets nothing
    #[arg(value_name = "VERSION=WEIGHT", required = true)]
    weights: Vec<Weighted>,
    /// Only if the component is still at this generation
    #[arg(long, value_name = "N")]
    if_generation: Option<u64>,
    #[command(flatten)]
    api: AdminApi,
}

impl Traffic {
    pub fn run(self) -> u8 {
        let body = match body(&self.weights) {
            Ok(body) => body,
            Err(message) => {
                print::error(&message);
                return exit::USAGE;
            }
        };
        self.api.run(async |client| {
            let call = Call::put(format!("/v1/components/{}/traffic", self.component));
            let call = call.json(&body).if_generation(self.if_generation);
            let answer = client.send(call).await?;
            self.api
                .show(&answer, || Ok(rollout::serving(&client.read_as(&answer)?)))
        })
    }
}

fn body(weights: &[Weighted]) -> Result<Value, String> {
    let mut body = Map::new();
    for Weighted(version, weight) in weights {
        if body.insert(version.to_string(), (*weight).into()).is_some() {
            return Err(format!("version {version} has two weights"));
        }
    }
    match weights.iter().all(|Weighted(_, weight)| *weight == 0) {
        true => Err("the weights sum to 0: somebody must serve".into()),
        false => Ok(body.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(weights: &[&str]) -> Result<Value, String> {
        let weights: Vec<_> = weights.iter().map(|it| it.parse().unwrap()).collect();
        body(&weights)
    }

    #[test]
    fn weights_are_sent_as_they_were_said() {
        let body = body_of(&["1.4.2=95", "1.5.0=5", "old=0"]).unwrap();
        assert_eq!(
            body,
            serde_json::json!({ "1.4.2": 95, "1.5.0": 5, "old": 0 })
        );
    }

    #[test]
    fn weights_that_say_nothing_are_refused() {
        assert!(
            body_of(&["a=1", "a=2"])
                .unwrap_err()
                .contains("two weights")
        );
        assert!(body_of(&["a=0", "b=0"]).unwrap_err().contains("sum to 0"));
    }
}
