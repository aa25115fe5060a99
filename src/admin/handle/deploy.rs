//! `PUT …/versions/{version}`: a component comes in.

use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{bearer, status};
use crate::admin::answer::{Problem, created, tagged};
use crate::admin::api::{Shared, carry_out};
use crate::admin::request::{
    Pace, Parameters, Reason, VersionPath, collect, content_digest, expected_generation, signature,
    text, word,
};
use crate::core::Strategy;
use crate::lifecycle::{Change, Deploy};
use crate::security::{AuditEvent, AuditKind};

/// 64 MiB in ten minutes are 110 KiB a second.
const PACE: Pace = Pace {
    stall: Duration::from_secs(30),
    whole: Duration::from_secs(600),
};

/// How the version gets its traffic.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct DeployParameters {
    /// Instead of the strategy of the component.
    #[serde(default, deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    #[schemars(extend("enum" = ["canary", "blue-green", "rolling", "immediate"]))]
    strategy: Option<Strategy>,
    /// Instead of the steps of the component: percentages from 1 to 99 that rise, with commas
    /// between them.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    steps: Option<Steps>,
    /// `none`: the version is kept and gets no traffic.
    #[serde(default, deserialize_with = "word")]
    traffic: Option<GivenTraffic>,
    /// In words, for the journal: at most 512 bytes.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    reason: Option<Reason>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GivenTraffic {
    None,
}

/// Percentages that rise.
#[derive(Debug, PartialEq, Eq)]
struct Steps(Vec<u8>);

#[derive(Debug, thiserror::Error)]
#[error("expected percentages from 1 to 99 that rise, such as `5,25,50`")]
struct StepsError;

impl FromStr for Steps {
    type Err = StepsError;

    fn from_str(text: &str) -> Result<Self, StepsError> {
        let steps: Result<Vec<u8>, _> = text.split(',').map(str::parse).collect();
        let steps = steps.map_err(|_| StepsError)?;
        let rise = steps.is_sorted_by(|a, b| a < b);
        match rise && steps.iter().all(|step| (1..=99).contains(step)) {
            true => Ok(Self(steps)),
            false => Err(StepsError),
        }
    }
}

pub(in crate::admin) async fn deploy(
    State(shared): State<Shared>,
    VersionPath { component, version }: VersionPath,
    Parameters(parameters): Parameters<DeployParameters>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Response, Problem> {
    // All that can be wrong before the first byte of the component is.
    let (digest, signature) = (content_digest(&headers)?, signature(&headers)?);
    let change = Change {
        by: bearer(&extensions)?.name.to_string(),
        reason: parameters.reason.map(|reason| reason.0),
        expected: expected_generation(&headers, &status(&shared, &component)?)?,
    };
    let place = shared.uploads.take()?;
    let bytes = collect(body, shared.artifact_limit, PACE).await?;
    let location = format!("/v1/components/{component}/versions/{version}");
    let deploy = Deploy {
        component,
        version,
        bytes,
        digest,
        signature,
        strategy: parameters.strategy,
        steps: parameters.steps.map(|steps| steps.0),
        without_traffic: parameters.traffic == Some(GivenTraffic::None),
        change,
    };
    let delivery = shared.node.delivery().clone();
    let (name, by) = (deploy.version.clone(), deploy.change.by.clone());
    let deployed = carry_out(place, async move { delivery.deploy(deploy).await }).await?;
    let mut versions = deployed.status.versions.iter();
    if let (true, Some(version)) = (deployed.is_new, versions.find(|it| it.name == name)) {
        let event = AuditEvent::new(AuditKind::Deployed)
            .of(deployed.status.component.clone(), name)
            .target(version.digest)
            .detail(format_args!("by {by}"));
        shared.node.audit().record(event);
    }
    Ok(match deployed.is_new {
        true => created(&deployed.status, location),
        false => tagged(&deployed.status),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a query says; or the field that is wrong.
    fn read(query: &str) -> Result<DeployParameters, String> {
        let read = Parameters::of(&format!("/?{query}").parse().unwrap());
        read.map(|it| it.0).map_err(|problem| {
            let document = problem.document();
            assert_eq!(document["status"], 400);
            document["field"].as_str().unwrap().to_owned()
        })
    }

    #[test]
    fn a_query_says_how_a_version_gets_its_traffic() {
        let read_one = read("strategy=canary&steps=5,25&reason=a+b%21").unwrap();
        assert_eq!(read_one.strategy, Some(Strategy::Canary));
        assert_eq!(read_one.steps, Some(Steps(vec![5, 25])));
        assert_eq!(read_one.reason, Some(Reason("a b!".into())));
        assert!(read_one.traffic.is_none());
        assert!(read("traffic=none").unwrap().traffic == Some(GivenTraffic::None));
    }

    #[test]
    fn what_a_query_cannot_say_is_named() {
        for (query, field) in [
            ("strategy=best", "strategy"),
            ("strategy=", "strategy"),
            ("strategy=canary&steps=25,5", "steps"),
            ("steps=100", "steps"),
            ("traffic=all", "traffic"),
            ("reason=a%0Ab", "reason"),
            ("force=true", "force"),
            ("steps=5&steps=6", "steps"),
        ] {
            assert_eq!(read(query).err().as_deref(), Some(field), "{query}");
        }
        let long = format!("reason={}", "x".repeat(513));
        assert_eq!(read(&long).err().as_deref(), Some("reason"));
    }

    #[test]
    fn steps_rise_and_stay_below_the_whole() {
        assert_eq!("5,25,50".parse::<Steps>().unwrap(), Steps(vec![5, 25, 50]));
        assert_eq!("99".parse::<Steps>().unwrap(), Steps(vec![99]));
        for bad in [
            "", "0", "100", "5,5", "25,5", "5,", "5, 25", "-1", "300", "five", "5;25",
        ] {
            assert!(bad.parse::<Steps>().is_err(), "{bad}");
        }
    }
}
