//! What the configuration says, prepared beside what serves, then taken in one step.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use tokio::sync::MutexGuard;

use super::ChangeError;
use super::book::Book;
use super::engine::{Delivery, Urgency};
use super::pins::Preparation;
use crate::component::Version;
use crate::core::{ArtifactPolicy, ComponentName, ComponentSpec, Timestamp};
use crate::lifecycle::deployment::Deployment;
use crate::lifecycle::deployments::Deployments;
use crate::lifecycle::journal::{Action, Draft};
use crate::lifecycle::loading::{DeployError, Found, Loading, Reason, statement};
use crate::lifecycle::plan::{Statement, supersede};
use crate::lifecycle::state::ComponentState;

/// Who obeys the configuration, in the journal.
const CONFIGURATION: &str = "configuration";

/// What the configuration says of components.
pub struct Orders {
    pub specs: Vec<Arc<ComponentSpec>>,
    pub policy: ArtifactPolicy,
    /// Versions that a component keeps beside those in use.
    pub keep: u32,
    /// Components that load side by side.
    pub at_once: usize,
}

/// Everything fetched, compiled and warm, and nothing changed yet.
pub struct Prepared {
    components: Vec<Component>,
    preparation: Preparation,
    policy: Arc<ArtifactPolicy>,
    keep: u32,
}

struct Component {
    spec: Arc<ComponentSpec>,
    statement: Statement,
    loaded: Vec<Arc<Version>>,
}

/// A configuration that will be taken as it is: nothing else changes meanwhile.
pub struct Pending<'a> {
    delivery: &'a Delivery,
    book: MutexGuard<'a, Book>,
    deployments: Deployments,
    drafts: Vec<Draft>,
    policy: Arc<ArtifactPolicy>,
    keep: u32,
    preparation: Option<Preparation>,
}

/// What was not taken leaves no trace.
impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let delivery = self.delivery;
        delivery.host.set_artifact_policy(&delivery.policy.load());
    }
}

impl Delivery {
    /// Fetches, verifies, compiles and warms what `orders` name and does not run yet. Takes
    /// as long as that takes; traffic may change meanwhile.
    ///
    /// # Errors
    /// Every component that cannot be deployed; nothing is changed then.
    pub async fn prepare(&self, orders: Orders) -> Result<Prepared, Vec<DeployError>> {
        let preparation = {
            // With the book locked: nothing is being collected.
            let _book = self.book.lock().await;
            self.preparing.begin()
        };
        let (policy, running) = (Arc::new(orders.policy), self.directory.load_full());
        self.host.set_artifact_policy(&policy);
        let loading = self.loading(&policy, &running);
        let jobs = orders
            .specs
            .into_iter()
            .map(|spec| self.component(&loading, spec));
        let prepared: Vec<_> = futures_util::stream::iter(jobs)
            .buffered(orders.at_once)
            .collect()
            .await;
        let (mut components, mut errors) = (Vec::new(), Vec::new());
        for result in prepared {
            match result {
                Ok(component) => components.push(component),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            self.host.set_artifact_policy(&self.policy.load());
            return Err(errors);
        }
        Ok(Prepared {
            components,
            preparation,
            policy,
            keep: orders.keep,
        })
    }

    async fn component(
        &self,
        loading: &Loading<'_>,
        spec: Arc<ComponentSpec>,
    ) -> Result<Component, DeployError> {
        let known = self.book.lock().await.state(&spec.name);
        let found = loading.find(&spec, Some(&known)).await?;
        let statement = statement(&spec, &found);
        let state = obeyed(&statement, &spec, &known)?.unwrap_or(known);
        let mut loaded = Vec::new();
        for Found { name, artifact, .. } in found {
            let digest = artifact.digest;
            let version = loading.load(&spec, &name, &digest, Some(artifact)).await;
            loaded.push(version.map_err(|reason| DeployError::new(&spec, &name, reason))?);
        }
        for kept in state.versions.iter().filter(|it| state.needs(&it.name)) {
            if statement.versions.iter().any(|it| it.name == kept.name) {
                continue;
            }
            // What cannot be loaded is dealt with when the whole is known.
            if let Ok(version) = loading.load(&spec, &kept.name, &kept.digest, None).await {
                loaded.push(version);
            }
        }
        Ok(Component {
            spec,
            statement,
            loaded,
        })
    }

    /// Decides what every component becomes, while nothing else changes.
    ///
    /// # Errors
    /// A component that cannot serve; nothing is changed then.
    pub async fn begin(&self, prepared: Prepared) -> Result<Pending<'_>, Vec<DeployError>> {
        let book = self.book.lock().await;
        let mut pending = Pending {
            delivery: self,
            book,
            deployments: Deployments::default(),
            drafts: Vec::new(),
            policy: prepared.policy,
            keep: prepared.keep,
            preparation: Some(prepared.preparation),
        };
        let mut errors = Vec::new();
        let mut deployments = Vec::new();
        for component in &prepared.components {
            match pending.settle(component).await {
                Ok(deployment) => deployments.push(deployment),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        pending.deployments = deployments.into_iter().collect();
        pending.remove_the_rest();
        Ok(pending)
    }
}

impl Pending<'_> {
    /// What will serve.
    pub fn deployments(&self) -> &Deployments {
        &self.deployments
    }

    /// Writes the change down, and then shows it: `show` leads requests to what is new.
    /// What changed since the configuration was last obeyed stays as it is.
    ///
    /// # Errors
    /// It cannot be written down; nothing is changed then.
    pub async fn commit(
        mut self,
        urgency: Urgency,
        show: impl FnOnce(),
    ) -> Result<(), ChangeError> {
        let drafts = std::mem::take(&mut self.drafts);
        let records = self.book.write_all(drafts, urgency).await?;
        let delivery = self.delivery;
        delivery.policy.store(self.policy.clone());
        delivery.keep.store(self.keep, Ordering::Relaxed);
        show();
        delivery.show(std::mem::take(&mut self.deployments));
        delivery.remember(&self.book);
        records.iter().for_each(|record| delivery.tell(record));
        self.preparation = None;
        delivery.collect_all(&mut self.book).await;
        Ok(())
    }

    async fn settle(&mut self, component: &Component) -> Result<Deployment, DeployError> {
        let Component {
            spec, statement, ..
        } = component;
        let old = self.book.state(&spec.name);
        let Some(next) = obeyed(statement, spec, &old)? else {
            return self.standing(component, old).await;
        };
        let ready = self.ready(component, &next).await;
        let deployment = ready.map_err(|error| refused(component, &error))?;
        self.draft(component, next, None);
        Ok(deployment)
    }

    /// What was deployed since the configuration was last obeyed stands, as long as it can
    /// be had.
    async fn standing(
        &mut self,
        component: &Component,
        old: ComponentState,
    ) -> Result<Deployment, DeployError> {
        let error = match self.ready(component, &old).await {
            Ok(deployment) => return Ok(deployment),
            Err(error) => error,
        };
        let running = self.delivery.directory.load();
        if running.get(&component.spec.name).is_some() {
            // A node that serves goes on as it is; only one that starts must serve something.
            return Err(refused(component, &error));
        }
        tracing::error!(component = %component.spec.name, %error,
            "what was deployed cannot be loaded; what the configuration names serves instead");
        let mut next = old;
        supersede(&mut next, &error.to_string(), Timestamp::now());
        let deployed = std::mem::replace(&mut next.traffic, component.statement.traffic());
        // It may be there again at the next start: nothing collects it, and a rollback finds it.
        next.previous = Some(deployed);
        let ready = self.ready(component, &next).await;
        let deployment = ready.map_err(|error| refused(component, &error))?;
        self.draft(component, next, Some(error.to_string()));
        Ok(deployment)
    }

    async fn ready(
        &self,
        component: &Component,
        state: &ComponentState,
    ) -> Result<Deployment, ChangeError> {
        let Component { spec, loaded, .. } = component;
        self.delivery
            .ready(&self.policy, spec, state, loaded, Urgency::Orderly)
            .await
    }

    fn draft(&mut self, component: &Component, after: ComponentState, reason: Option<String>) {
        self.drafts.push(Draft {
            by: CONFIGURATION.into(),
            component: component.spec.name.clone(),
            action: Action::Configured,
            version: after.traffic.foremost().cloned(),
            reason,
            verdict: None,
            after: Some(after),
        });
    }

    fn remove_the_rest(&mut self) {
        let is_gone = |name: &&ComponentName| self.deployments.get(name).is_none();
        let ledger = self.book.ledger();
        let gone: Vec<_> = ledger
            .iter()
            .map(|(name, _)| name)
            .filter(is_gone)
            .collect();
        let drafts = gone.into_iter().map(|name| Draft {
            by: CONFIGURATION.into(),
            component: name.clone(),
            action: Action::Removed,
            version: None,
            reason: None,
            verdict: None,
            after: None,
        });
        self.drafts.extend(drafts.collect::<Vec<_>>());
    }
}

fn obeyed(
    statement: &Statement,
    spec: &ComponentSpec,
    old: &ComponentState,
) -> Result<Option<ComponentState>, DeployError> {
    if statement.traffic().is_empty() {
        let first = statement.versions.first().map(|it| it.name.to_string());
        return Err(DeployError {
            component: spec.name.clone(),
            version: first.unwrap_or_default(),
            reason: Reason::NoTraffic,
        });
    }
    let obeyed = statement.obeyed(Some(old), Timestamp::now());
    obeyed.map_err(|taken| DeployError {
        component: spec.name.clone(),
        version: taken.version.to_string(),
        reason: taken.into(),
    })
}

fn refused(component: &Component, error: &ChangeError) -> DeployError {
    let first = component.statement.traffic().foremost().cloned();
    DeployError {
        component: component.spec.name.clone(),
        version: first.map_or(String::new(), |name| name.to_string()),
        reason: Reason::Change(error.to_string()),
    }
}
