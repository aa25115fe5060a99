//! `airgate deploy`: a version on its way to its traffic.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::Args;
use http::{HeaderName, HeaderValue};
use indicatif::{ProgressBar, ProgressStyle};

use super::admin::{AdminApi, Answer, Call, Client, Failure, Upload, read_bounded};
use super::names::{self, Steps};
use super::rollout::{self, Rollout};
use super::{exit, print};
use crate::core::{ByteSize, ComponentName, Digest, HostBounds, VersionName, parse_duration};
use crate::lifecycle::{DeliveryStatus, RolloutStatus};
use crate::security;

const LARGEST_SIGNATURE: ByteSize = ByteSize(64 << 10);
/// Instead of 201.
const KEPT_ALREADY: u16 = 200;
/// RFC 9530.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE: HeaderName = HeaderName::from_static("x-airgate-signature");

const AFTER_HELP: &str = "\
Exit codes: 0 deployed (with --wait: promoted), 1 failed or not ended in time, 2 usage,
3 invalid configuration, 4 admin API unreachable, 5 rolled back, aborted or superseded

Examples:
  airgate deploy cart build/cart.wasm --version 1.5.0
  airgate deploy cart build/cart.wasm --strategy canary --steps 5,25,50 --wait
  airgate deploy cart build/cart.wasm --no-traffic    # then: airgate traffic cart ...";

#[derive(Args)]
// Its `--version` is the component's.
#[command(after_help = AFTER_HELP, disable_version_flag = true)]
pub(super) struct Deploy {
    /// The component
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// The bytes of the version
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// What the version is called. Default: the first 12 hex digits of its digest
    #[arg(long, value_name = "NAME", value_parser = names::version)]
    version: Option<VersionName>,
    /// How it gets its traffic. Default: what the configuration says
    #[arg(long, value_parser = ["canary", "blue-green", "rolling", "immediate"])]
    strategy: Option<String>,
    /// Rising percentages, such as 5,25,50. Default: what the configuration says
    #[arg(long, value_name = "PERCENT,...")]
    steps: Option<Steps>,
    /// Verify, compile and keep it, but give it no traffic
    #[arg(long, conflicts_with_all = ["strategy", "steps", "wait"])]
    no_traffic: bool,
    /// A detached signature. Default: FILE.wasm.minisig, where there is one
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// In words, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only if the component is still at this generation
    #[arg(long, value_name = "N")]
    if_generation: Option<u64>,
    /// Return when the rollout has ended
    #[arg(long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    api: AdminApi,
}

/// What is sent.
struct Parcel {
    bytes: Bytes,
    digest: Digest,
    version: VersionName,
    signature: Option<String>,
}

impl Deploy {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let parcel = self.pack()?;
            // Who is refused hears it before sending anything large.
            let path = format!("/v1/components/{}/delivery", self.component);
            let before: DeliveryStatus = client.read_as(&client.send(Call::get(path)).await?)?;
            let answer = self.send(client, &parcel).await?;
            let status: DeliveryStatus = client.read_as(&answer)?;
            if answer.status == KEPT_ALREADY {
                print::note(&format_args!("{} was there already", parcel.version));
            }
            match rollout_of(&parcel.version, &before, &status) {
                Some(rollout) if self.wait || !rollout.phase.is_active() => {
                    self.wait(client, &status, rollout).await
                }
                None if self.wait => self.end_at_once(&answer, &status, &parcel.version),
                _ => self.api.show(&answer, || Ok(rollout::serving(&status))),
            }
        })
    }

    fn pack(&self) -> Result<Parcel, Failure> {
        let bytes = read_bounded(&self.file, HostBounds::default().artifact);
        let bytes = bytes.map_err(|error| unreadable(&self.file, &error))?;
        let digest = security::digest(&bytes);
        let version = self.version.clone();
        Ok(Parcel {
            version: version.unwrap_or_else(|| digest.short_name()),
            signature: self.signature()?,
            bytes: bytes.into(),
            digest,
        })
    }

    fn signature(&self) -> Result<Option<String>, Failure> {
        let beside = beside(&self.file);
        let path = match &self.signature {
            Some(path) => path,
            None if beside.exists() => &beside,
            None => return Ok(None),
        };
        let bytes = read_bounded(path, LARGEST_SIGNATURE);
        let bytes = bytes.map_err(|error| unreadable(path, &error))?;
        Ok(Some(signature_text(bytes)))
    }

    async fn send(&self, client: &Client, parcel: &Parcel) -> Result<Answer, Failure> {
        let bar = bar(parcel);
        let body = reqwest::Body::wrap(Upload::new(parcel.bytes.clone(), bar.clone()));
        let call = self.call(parcel)?;
        let call = call.body(body, HeaderValue::from_static("application/wasm"));
        let answer = client.send(call).await;
        bar.finish_and_clear();
        answer
    }

    fn call(&self, parcel: &Parcel) -> Result<Call, Failure> {
        let (component, version) = (&self.component, &parcel.version);
        let digest = BASE64_STANDARD.encode(parcel.digest.as_bytes());
        let path = format!("/v1/components/{component}/versions/{version}");
        let mut call = Call::put(path)
            .query("strategy", self.strategy.clone())
            .query("steps", self.steps.as_ref().map(ToString::to_string))
            .query("traffic", self.no_traffic.then(|| "none".into()))
            .query("reason", self.reason.clone())
            .if_generation(self.if_generation)
            .header(CONTENT_DIGEST, field(&format!("sha-256=:{digest}:"))?);
        if let Some(signature) = &parcel.signature {
            let signature = BASE64_STANDARD.encode(signature);
            call = call.header(SIGNATURE, field(&signature)?);
        }
        Ok(call)
    }

    async fn wait(
        &self,
        client: &Client,
        status: &DeliveryStatus,
        rollout: &RolloutStatus,
    ) -> Result<u8, Failure> {
        let rollout = Rollout {
            component: self.component.clone(),
            candidate: rollout.candidate.clone(),
            id: rollout.id,
        };
        let goes_on = |why: &str| {
            let component = &self.component;
            let hint = format!("{why}; the rollout goes on: `airgate status {component}` shows it");
            print::note(&hint);
            Ok(exit::FAILED)
        };
        let end = tokio::select! {
            // First, so that nobody who sees anything can interrupt more than the waiting.
            biased;
            _ = tokio::signal::ctrl_c() => return goes_on("interrupted"),
            () = tokio::time::sleep(self.timeout) => return goes_on("it has not ended in time"),
            end = rollout::follow(client, &rollout, status) => end?,
        };
        match end.exit_code() {
            exit::DONE => {}
            _ => print::note(&format_args!("{}: {}", self.component, end.told())),
        }
        // What was sent and judged stands, whether or not it can be shown.
        let path = format!("/v1/components/{}/delivery", self.component);
        if let Ok(answer) = client.send(Call::get(path)).await {
            self.api
                .show(&answer, || Ok(rollout::serving(&client.read_as(&answer)?)))?;
        }
        Ok(end.exit_code())
    }

    /// No rollout began: it was there before, or another change came in between.
    fn end_at_once(
        &self,
        answer: &Answer,
        status: &DeliveryStatus,
        version: &VersionName,
    ) -> Result<u8, Failure> {
        self.api.show(answer, || Ok(rollout::serving(status)))?;
        let mut others = status.traffic.iter();
        if others.all(|(name, weight)| *weight == 0 || name == version.as_str()) {
            return Ok(exit::DONE);
        }
        print::note(&format_args!("no rollout of {version} has begun"));
        Ok(exit::FAILED)
    }
}

/// The rollout that this deployment began, or found under way.
fn rollout_of<'a>(
    version: &VersionName,
    before: &DeliveryStatus,
    status: &'a DeliveryStatus,
) -> Option<&'a RolloutStatus> {
    let rollout = status.rollout.as_ref()?;
    let is_new = before.rollout.as_ref().map(|it| it.id) != Some(rollout.id);
    let is_its = rollout.candidate == *version && (is_new || rollout.phase.is_active());
    is_its.then_some(rollout)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// Minisign's is text; 64 bytes of Ed25519 become text.
fn signature_text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(binary) => BASE64_STANDARD.encode(binary.as_bytes()),
    }
}

fn field(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(text).map_err(|error| Failure::Local(error.to_string()))
}

fn unreadable(path: &Path, error: &dyn fmt::Display) -> Failure {
    Failure::Local(format!("cannot read {}: {error}", path.display()))
}

/// Of the upload; it is not drawn where stderr is no terminal.
fn bar(parcel: &Parcel) -> ProgressBar {
    let bar = ProgressBar::new(parcel.bytes.len() as u64);
    let template = "uploading {bytes}/{total_bytes} [{bar:40}] {percent}%";
    // A template that can be parsed is what it says.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=>-"));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;
    use crate::lifecycle::Phase;

    fn its(before: &DeliveryStatus, status: &DeliveryStatus) -> bool {
        rollout_of(&"1.5.0".parse().unwrap(), before, status).is_some()
    }

    #[test]
    fn a_rollout_that_had_ended_before_is_not_this_ones() {
        let mut before = samples::running(0);
        before.rollout = None;
        let running = samples::running(0);
        let ended = samples::ended(Phase::RolledBack);
        assert!(its(&before, &running) && its(&before, &ended));
        assert!(
            its(&running, &running),
            "a second try of the same deployment"
        );
        assert!(!its(&ended, &ended));
        assert!(!its(&before, &before));
        let other = "1.6.0".parse().unwrap();
        assert!(rollout_of(&other, &before, &running).is_none());
    }

    #[test]
    fn signatures_are_text_whatever_they_were() {
        assert_eq!(
            signature_text(b"untrusted comment: x\nRW".into()),
            "untrusted comment: x\nRW"
        );
        assert_eq!(signature_text(vec![0xff; 64]).len(), 88);
        assert_eq!(beside(Path::new("a/b.wasm")), Path::new("a/b.wasm.minisig"));
    }
}
