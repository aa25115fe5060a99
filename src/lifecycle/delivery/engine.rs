//! Changes versions and traffic, one change at a time: decided, made ready, written down,
//! and only then shown to requests. What is refused leaves everything as it was.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::book::{Book, SharedJournal};
use super::pins::{Pins, Preparing};
use super::{ChangeError, DeliveryStatus, Events};
use crate::component::{Host, Version};
use crate::core::{ArtifactPolicy, ComponentName, ComponentSpec, RunState, VersionName};
use crate::lifecycle::check::CheckClient;
use crate::lifecycle::deployment::Deployment;
use crate::lifecycle::deployments::Deployments;
use crate::lifecycle::directory::Directory;
use crate::lifecycle::journal::{Draft, Ledger, Record};
use crate::lifecycle::loading::Loading;
use crate::lifecycle::source::Sources;
use crate::lifecycle::state::{ComponentState, KeptVersion};
use crate::lifecycle::vault::Vault;
use crate::monitoring::InstanceCounts;

/// Whoever leads requests to components.
pub trait Stage: Send + Sync {
    /// From now on every request sees these.
    fn show(&self, deployments: &Deployments);
}

/// The only way by which versions and traffic change.
pub struct Delivery {
    pub(super) host: Host,
    pub(super) sources: Sources,
    pub(super) checks: CheckClient,
    pub(super) vault: Arc<Vault>,
    pub(super) policy: ArcSwap<ArtifactPolicy>,
    /// Versions that a component keeps beside those in use.
    pub(super) keep: AtomicU32,
    pub(super) directory: Arc<Directory>,
    pub(super) events: Events,
    /// One change at a time.
    pub(super) book: Mutex<Book>,
    /// As the book was after the last change: for who only looks.
    pub(super) ledger: ArcSwap<Ledger>,
    journal: SharedJournal,
    /// What of the vault is in the making.
    pub(super) pins: Pins,
    /// A configuration whose artifacts are in the vault and not yet in the journal.
    pub(super) preparing: Preparing,
    stage: OnceLock<Weak<dyn Stage>>,
    closed: AtomicBool,
}

impl Delivery {
    /// `book` is what the journal has told.
    pub fn new(
        host: Host,
        sources: Sources,
        checks: CheckClient,
        vault: Vault,
        book: Book,
    ) -> Arc<Self> {
        let events = Events::new(book.ledger().next_seq());
        let (ledger, journal) = (book.ledger().clone(), book.journal().clone());
        Arc::new(Self {
            host,
            sources,
            checks,
            vault: Arc::new(vault),
            policy: ArcSwap::default(),
            keep: AtomicU32::new(u32::MAX),
            directory: Arc::default(),
            events,
            book: Mutex::new(book),
            ledger: ArcSwap::from_pointee(ledger),
            journal,
            pins: Pins::default(),
            preparing: Preparing::default(),
            stage: OnceLock::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Changes are shown to `stage` from now on; the first one counts.
    pub fn perform_on(&self, stage: Weak<dyn Stage>) {
        let _ = self.stage.set(stage);
    }

    /// The deployments of this moment.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    pub fn events(&self) -> &Events {
        &self.events
    }

    /// How a component is delivered now.
    pub fn status(&self, component: &ComponentName) -> Option<DeliveryStatus> {
        let ledger = self.ledger.load();
        let is_known = ledger.get(component).is_some();
        is_known.then(|| self.status_in(&ledger, component))
    }

    /// All components, by name.
    pub fn statuses(&self) -> Vec<DeliveryStatus> {
        let ledger = self.ledger.load();
        let names = ledger.iter().map(|(name, _)| name);
        names.map(|name| self.status_in(&ledger, name)).collect()
    }

    /// The last records of the journal, the newest first.
    pub fn history(&self, component: Option<&ComponentName>, limit: usize) -> Vec<Record> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.history(component, limit)
    }

    /// No change from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn expect_open(&self) -> Result<(), ChangeError> {
        match self.closed.load(Ordering::SeqCst) {
            true => Err(ChangeError::Draining),
            false => Ok(()),
        }
    }

    pub(super) fn spec(
        &self,
        component: &ComponentName,
    ) -> Result<Arc<ComponentSpec>, ChangeError> {
        let deployments = self.directory.load();
        let deployment = deployments.get(component);
        let missing = || ChangeError::NoComponent(component.to_string());
        Ok(deployment.ok_or_else(missing)?.spec().clone())
    }

    pub(super) fn loading<'a>(
        &'a self,
        policy: &'a ArtifactPolicy,
        running: &'a Deployments,
    ) -> Loading<'a> {
        Loading {
            host: &self.host,
            sources: &self.sources,
            policy,
            vault: Some(&self.vault),
            running,
            spare: &[],
        }
    }

    /// Makes a decided change: everything that it needs is loaded and warm, then it is
    /// written down, then it is shown. A rescue is shown first: a slow disk must not keep a
    /// bad version in service.
    pub(super) async fn make(
        &self,
        book: &mut Book,
        spec: &Arc<ComponentSpec>,
        draft: Draft,
        urgency: Urgency,
        spare: &[Arc<Version>],
    ) -> Result<DeliveryStatus, ChangeError> {
        let Some(next) = &draft.after else {
            return Err(ChangeError::NoComponent(spec.name.to_string()));
        };
        let policy = self.policy.load_full();
        let ready = self.ready(&policy, spec, next, spare, urgency);
        let shown = self.directory.load_full().with(ready.await?);
        let record = match urgency {
            Urgency::Rescue => {
                self.show(shown);
                book.write(draft, urgency).await?
            }
            Urgency::Orderly => {
                let record = book.write(draft, urgency).await?;
                self.show(shown);
                record
            }
        };
        self.remember(book);
        self.tell(&record);
        Ok(self.status_in(book.ledger(), &spec.name))
    }

    /// The component as `state` wants it. What has traffic must be instantiable; what has
    /// none is left out where it is not. Versions in `spare` need not be loaded again.
    pub(super) async fn ready(
        &self,
        policy: &ArtifactPolicy,
        spec: &Arc<ComponentSpec>,
        state: &ComponentState,
        spare: &[Arc<Version>],
        urgency: Urgency,
    ) -> Result<Deployment, ChangeError> {
        let running = self.directory.load_full();
        let loading = Loading {
            spare,
            ..self.loading(policy, &running)
        };
        let mut versions = Vec::new();
        for kept in state.versions.iter().filter(|it| state.needs(&it.name)) {
            let loaded = loading.load(spec, &kept.name, &kept.digest, None).await;
            match loaded {
                Ok(version) => versions.push(version),
                Err(error) if state.traffic.weight(&kept.name) > 0 => {
                    let name = &kept.name;
                    return Err(ChangeError::Refused(format!("version {name}: {error}")));
                }
                Err(error) => {
                    let (component, version) = (&spec.name, &kept.name);
                    tracing::warn!(%component, %version, %error, "a version without traffic cannot be loaded");
                }
            }
        }
        self.prove(&versions, state, urgency).await?;
        let shadow = match spec.mirrored {
            true => self.shadow(policy, spec, state).await,
            false => None,
        };
        let nothing = || ChangeError::Conflict("no version that is there has a weight".into());
        let deployment = Deployment::new(spec.clone(), versions, &state.traffic);
        Ok(deployment.ok_or_else(nothing)?.shadowed_by(shadow))
    }

    /// What serves copies of requests; a copy that cannot be served is no reason to refuse
    /// anything.
    async fn shadow(
        &self,
        policy: &ArtifactPolicy,
        spec: &ComponentSpec,
        state: &ComponentState,
    ) -> Option<Deployment> {
        let (nothing, running) = (Deployments::default(), self.directory.load_full());
        let shadow = running.get(&spec.name).and_then(|it| it.shadow());
        let host = self.host.for_copies();
        let loading = Loading {
            host: &host,
            spare: shadow.map_or(&[], |shadow| shadow.versions()),
            ..self.loading(policy, &nothing)
        };
        let spec = Arc::new(spec.shadow());
        let mut versions = Vec::new();
        let with_traffic = |it: &&KeptVersion| state.traffic.weight(&it.name) > 0;
        for kept in state.versions.iter().filter(with_traffic) {
            match loading.load(&spec, &kept.name, &kept.digest, None).await {
                Ok(version) => versions.push(version),
                Err(error) => {
                    let (component, version) = (&spec.name, &kept.name);
                    tracing::warn!(%component, %version, %error, "copies of requests cannot be served");
                }
            }
        }
        Deployment::new(spec, versions, &state.traffic)
    }

    /// Makes an instance of every version that gets traffic it did not have.
    async fn prove(
        &self,
        versions: &[Arc<Version>],
        state: &ComponentState,
        urgency: Urgency,
    ) -> Result<(), ChangeError> {
        let running = self.directory.load_full();
        let is_loaded = |version: &Arc<Version>| {
            let mut loaded = running.versions();
            loaded.any(|it| Arc::ptr_eq(it, version))
        };
        let has_traffic = |version: &Arc<Version>| {
            let deployment = running.get(version.component());
            let shares = deployment.map(|it| it.versions().iter().zip(it.weights()));
            let mut shares = shares.into_iter().flatten();
            shares.any(|(it, weight)| Arc::ptr_eq(it, version) && *weight > 0)
        };
        for version in versions {
            if state.traffic.weight(version.name()) == 0 || has_traffic(version) {
                continue;
            }
            let is_down = matches!(
                version.state(),
                RunState::Stopping | RunState::Stopped | RunState::Failed
            );
            if is_down && is_loaded(version) {
                // Nobody waits for it: what it replaces may be worse.
                version.restart();
            }
            if urgency == Urgency::Rescue && is_loaded(version) {
                // It was started when it was loaded, and what it replaces may hold all
                // instances now.
                continue;
            }
            version.warm().await.map_err(|error| {
                let name = version.name();
                ChangeError::Refused(format!("version {name} cannot be started: {error}"))
            })?;
        }
        Ok(())
    }

    /// In one swap for requests from outside, and in one for calls between components.
    pub(super) fn show(&self, deployments: Deployments) {
        let running = self.directory.load();
        for gone in running.versions().filter(|it| !deployments.holds(it)) {
            gone.metrics().set_weight(0);
            gone.metrics().set_instances(InstanceCounts::default());
        }
        deployments.iter().for_each(|it| it.report_weights());
        if let Some(stage) = self.stage.get().and_then(Weak::upgrade) {
            stage.show(&deployments);
        }
        let before = self.directory.load_full();
        self.directory.store(deployments);
        self.retire(&before, &self.directory.load());
    }

    /// Shows the book to who only looks.
    pub(super) fn remember(&self, book: &Book) {
        self.ledger.store(Arc::new(book.ledger().clone()));
    }

    /// Tells what was written down.
    pub(super) fn tell(&self, record: &Record) {
        let loaded = self.directory.load();
        let event = super::tell::event(record, loaded.get(&record.component).map(AsRef::as_ref));
        super::tell::log(record);
        super::tell::count(record);
        self.events.publish(event);
    }

    pub(super) fn status_in(&self, ledger: &Ledger, component: &ComponentName) -> DeliveryStatus {
        let deployments = self.directory.load();
        let deployment = deployments.get(component);
        let loaded =
            |version: &VersionName| deployment.is_some_and(|it| it.version(version).is_some());
        let none = ComponentState::default();
        let state = ledger.get(component).unwrap_or(&none);
        DeliveryStatus::new(component.clone(), state, loaded)
    }
}

/// Whether a change may be made that cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It waits until the disk is well.
    Orderly,
    /// It takes a bad version away from users: a full disk must not keep it there.
    Rescue,
}
