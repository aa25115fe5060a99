//! One component as it serves: its versions that are loaded and warm, and their traffic.

use std::sync::Arc;

use http::HeaderMap;

use super::state::Traffic;
use super::traffic::{Ask, Split};
use crate::component::{Version, key_of_message, key_of_request};
use crate::core::{
    ActorKey, Cohort, ComponentName, ComponentSpec, Forced, Message, Origin, VersionName, Weight,
};

/// One component: what of it serves, and how often. Never changes; a change makes another.
pub struct Deployment {
    spec: Arc<ComponentSpec>,
    versions: Vec<Arc<Version>>,
    weights: Vec<Weight>,
    split: Split,
    shadow: Option<Arc<Deployment>>,
}

impl Deployment {
    /// `None` where no version that is there has a weight.
    pub fn new(
        spec: Arc<ComponentSpec>,
        versions: Vec<Arc<Version>>,
        traffic: &Traffic,
    ) -> Option<Self> {
        let weights: Vec<_> = versions
            .iter()
            .map(|version| traffic.weight(version.name()))
            .collect();
        let names = versions.iter().map(|version| version.name().clone());
        let split = Split::new(&names.zip(weights.iter().copied()).collect::<Vec<_>>())?;
        Some(Self {
            spec,
            versions,
            weights,
            split,
            shadow: None,
        })
    }

    /// With what serves copies of requests.
    #[must_use]
    pub(super) fn shadowed_by(self, shadow: Option<Self>) -> Self {
        Self {
            shadow: shadow.map(Arc::new),
            ..self
        }
    }

    /// The same versions with instances of their own, which have no effect on the outside:
    /// for copies of requests.
    pub fn shadow(&self) -> Option<&Arc<Self>> {
        self.shadow.as_ref()
    }

    pub fn name(&self) -> &ComponentName {
        &self.spec.name
    }

    pub fn spec(&self) -> &Arc<ComponentSpec> {
        &self.spec
    }

    /// All that can serve: those without traffic too, for a rollback or an override.
    pub fn versions(&self) -> &[Arc<Version>] {
        &self.versions
    }

    /// One for each of [`Deployment::versions`].
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    pub fn version(&self, name: &VersionName) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.name() == name)
    }

    /// The version for one more request, as its place in [`Deployment::versions`], and the
    /// cohort that keeps what the request causes together. A forced request takes nobody's
    /// turn: the others' shares stay exact. Whoever meets an actor by a key meets it in one
    /// version: its key counts before that of the client.
    pub fn pick(&self, ask: &Ask, headers: &HeaderMap) -> (usize, Cohort) {
        let actor = self.actor_key().and_then(|it| key_of_request(it, headers));
        match (self.forced(&ask.forced), actor.or(ask.key)) {
            (None, None) => self.split.pick(ask.id),
            (None, Some(key)) => self.split.sticky(key),
            (Some(index), None) => (index, Cohort::of(ask.id)),
            (Some(index), Some(key)) => (index, Cohort::Key(key)),
        }
    }

    /// The version for a call that another component makes.
    pub fn follow(&self, origin: &Origin, headers: &HeaderMap) -> usize {
        self.led(origin, |key| key_of_request(key, headers))
    }

    /// The version for a message.
    pub fn receive(&self, message: &Message) -> usize {
        self.led(&message.origin, |key| key_of_message(key, message))
    }

    /// By what is insisted on, else by the actor that is meant, else by the cohort.
    fn led(&self, origin: &Origin, actor: impl FnOnce(&ActorKey) -> Option<u64>) -> usize {
        if let Some(forced) = self.forced(&origin.forced) {
            return forced;
        }
        let actor = self.actor_key().and_then(actor);
        self.split.follow(actor.map_or(origin.cohort, Cohort::Key))
    }

    /// By what one actor is told from another. Where one version serves there is nothing to
    /// choose.
    fn actor_key(&self) -> Option<&ActorKey> {
        let actor = self.spec.instances.actor.as_ref()?;
        actor.key.as_ref().filter(|_| self.versions.len() > 1)
    }

    /// The version of this component that a request insists on, weight or not.
    fn forced(&self, forced: &Forced) -> Option<usize> {
        if forced.is_none() {
            return None;
        }
        let wanted = |version: &Arc<Version>| forced.contains(version.tag());
        self.versions.iter().position(wanted)
    }

    /// Tells the metrics what share each version has.
    pub(super) fn report_weights(&self) {
        for (version, weight) in self.versions.iter().zip(&self.weights) {
            version.metrics().set_weight(*weight);
        }
    }
}
