//! A version that somebody sends: verified, kept, compiled, started, and then given traffic
//! by the strategy of its component.

use std::sync::Arc;

use super::book::Book;
use super::engine::{Delivery, Urgency};
use super::{ChangeError, DeliveryStatus, Deploy, rollouts};
use crate::component::{Artifact, Missing, Version};
use crate::core::{ComponentSpec, RolloutPolicy, Strategy, Timestamp};
use crate::lifecycle::journal::{Action, Draft};
use crate::lifecycle::loading::{Reason, verified};
use crate::lifecycle::state::{ComponentState, KeptVersion, VersionOrigin};

/// What came of a deployment.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The version was not there before.
    pub is_new: bool,
    pub status: DeliveryStatus,
}

impl Delivery {
    /// Verifies, compiles and warms a version, keeps it, and gives it traffic by the
    /// strategy of its component. Returns as soon as the rollout has begun. Goes on when
    /// the caller has lost interest.
    ///
    /// # Errors
    /// Whatever is wrong with it; nothing has changed then.
    pub async fn deploy(self: &Arc<Self>, deploy: Deploy) -> Result<Deployed, ChangeError> {
        let this = self.clone();
        let deployed = tokio::spawn(async move {
            let deployed = this.take(deploy).await;
            if deployed.is_err() {
                // What was refused leaves nothing behind.
                this.sweep(&*this.book.lock().await);
            }
            deployed
        });
        let deployed = deployed.await;
        deployed.unwrap_or_else(|_| Err(ChangeError::Refused("deploying it failed".into())))
    }

    async fn take(&self, mut deploy: Deploy) -> Result<Deployed, ChangeError> {
        self.expect_open()?;
        let spec = self.spec(&deploy.component)?;
        let rules = self.policy.load_full();
        let policy = rollout_policy(&spec, &deploy)?;
        let digest = crate::security::digest(&deploy.bytes);
        // Before anything that takes time; looked at again when it is done.
        let book = self.book.lock().await;
        admit(&book, &deploy, digest)?;
        // With the book locked: nothing is being collected.
        let _pin = self.pins.pin(digest);
        drop(book);
        let bytes = deploy.bytes.len() as u64;
        let artifact = self.verify(&mut deploy).await?;
        let spare = [self.host_for(&spec, &deploy, artifact).await?];
        let mut book = self.book.lock().await;
        self.expect_open()?;
        if *self.spec(&deploy.component)? != *spec || *self.policy.load_full() != *rules {
            let text = "the configuration was reloaded meanwhile; deploy again";
            return Err(ChangeError::Conflict(text.into()));
        }
        let is_new = admit(&book, &deploy, digest)?;
        let mut state = book.state(&deploy.component);
        if is_new {
            state.versions.push(KeptVersion {
                name: deploy.version.clone(),
                digest,
                bytes,
                origin: VersionOrigin::Deployed,
                added: Timestamp::now(),
                source: None,
            });
            let draft = draft(&deploy, Action::Deployed, state);
            self.make(&mut book, &spec, draft, Urgency::Orderly, &spare)
                .await?;
        }
        let status = self
            .begin_rollout(&mut book, &spec, &deploy, policy, &spare)
            .await?;
        self.collect(&mut book, &spec).await;
        Ok(Deployed { is_new, status })
    }

    /// Checks digest and signature over exactly these bytes, and keeps them.
    async fn verify(&self, deploy: &mut Deploy) -> Result<Artifact, ChangeError> {
        let policy = self.policy.load_full();
        crate::security::require_pin(&policy, deploy.digest)
            .map_err(|error| ChangeError::Refused(error.to_string()))?;
        let (vault, pin) = (self.vault.clone(), deploy.digest);
        let bytes = std::mem::take(&mut deploy.bytes).into();
        let signature = deploy.signature.take();
        let verified = tokio::task::spawn_blocking(move || {
            let verified = verified(&policy, Some(&vault), bytes, pin, signature)?;
            verified.keep(Some(&vault)).map_err(Reason::Keep)?;
            Ok::<_, Reason>(verified.artifact)
        });
        let verified = verified.await;
        let refused = |error: &dyn std::fmt::Display| ChangeError::Refused(error.to_string());
        verified
            .map_err(|error| refused(&error))?
            .map_err(|error| match error {
                Reason::Keep(error) => ChangeError::Journal(error),
                error => refused(&error),
            })
    }

    /// Compiles and starts it, which shows whether it can serve as the component is
    /// configured. What is compiled stays in the cache for the change itself.
    async fn host_for(
        &self,
        spec: &Arc<ComponentSpec>,
        deploy: &Deploy,
        artifact: Artifact,
    ) -> Result<Arc<Version>, ChangeError> {
        let hosted = self
            .host
            .host(artifact, deploy.version.clone(), spec.clone());
        let version = hosted
            .await
            .map_err(|error| ChangeError::Refused(error.to_string()))?;
        self.expect_granted(spec, &version)?;
        Ok(version)
    }

    fn expect_granted(&self, spec: &ComponentSpec, version: &Version) -> Result<(), ChangeError> {
        let missing = self.host.ungranted(version, &spec.grants);
        let Some(Missing {
            import,
            capabilities,
            ..
        }) = missing.first()
        else {
            return Ok(());
        };
        let keys = capabilities.join("` or `");
        Err(ChangeError::Refused(format!(
            "it imports {import}, which is not granted: grant `{keys}` in [component.{}.capabilities], or build it without",
            spec.name
        )))
    }

    async fn begin_rollout(
        &self,
        book: &mut Book,
        spec: &Arc<ComponentSpec>,
        deploy: &Deploy,
        policy: RolloutPolicy,
        spare: &[Arc<Version>],
    ) -> Result<DeliveryStatus, ChangeError> {
        let state = book.state(&spec.name);
        let has_all = state.traffic.iter().all(|it| it.version == deploy.version);
        let is_under_way = state.active_rollout().is_some();
        if deploy.without_traffic || has_all || is_under_way {
            return Ok(self.status_in(book.ledger(), &spec.name));
        }
        let id = book.ledger().next_seq();
        let state = rollouts::begun(state, deploy, policy, id, Timestamp::now());
        let action = match state.active_rollout() {
            Some(_) => Action::RolloutStarted,
            None => Action::Promoted,
        };
        let draft = draft(deploy, action, state);
        self.make(book, spec, draft, Urgency::Orderly, spare).await
    }
}

fn draft(deploy: &Deploy, action: Action, after: ComponentState) -> Draft {
    Draft {
        by: deploy.change.by.clone(),
        component: deploy.component.clone(),
        action,
        version: Some(deploy.version.clone()),
        reason: deploy.change.reason.clone(),
        verdict: None,
        after: Some(after),
    }
}

/// Whether the version would be new, if it may come at all.
fn admit(book: &Book, deploy: &Deploy, digest: crate::core::Digest) -> Result<bool, ChangeError> {
    let state = book.expected(&deploy.component, &deploy.change)?;
    let known = state.version(&deploy.version);
    if let Some(existing) = known.filter(|known| known.digest != digest) {
        return Err(ChangeError::NameTaken {
            version: existing.name.clone(),
            existing: existing.digest,
        });
    }
    match state.active_rollout() {
        Some(rollout) if !deploy.without_traffic && rollout.candidate != deploy.version => {
            Err(ChangeError::Conflict(format!(
                "version `{}` is being rolled out: promote, abort or roll it back first",
                rollout.candidate
            )))
        }
        _ => Ok(known.is_none()),
    }
}

fn rollout_policy(spec: &ComponentSpec, deploy: &Deploy) -> Result<RolloutPolicy, ChangeError> {
    let mut policy = spec.rollout.clone();
    if let Some(strategy) = deploy.strategy.filter(|it| *it != policy.strategy) {
        policy.strategy = strategy;
        policy.steps = RolloutPolicy::default_steps(strategy);
    }
    let Some(steps) = &deploy.steps else {
        return Ok(policy);
    };
    let invalid = |reason: &str| ChangeError::Invalid {
        field: "steps",
        reason: reason.into(),
    };
    if !matches!(policy.strategy, Strategy::Canary | Strategy::Rolling) {
        return Err(invalid("only canary and rolling have steps"));
    }
    let in_order = steps.windows(2).all(|pair| pair[0] < pair[1]);
    if !in_order || steps.iter().any(|step| !(1..=99).contains(step)) {
        return Err(invalid(
            "must be percentages from 1 to 99, each above the one before",
        ));
    }
    policy.steps.clone_from(steps);
    Ok(policy)
}
