//! `[component.NAME]`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::config::model::{Route, Target};
use crate::config::raw::{RawComponent, RawDefaults, RawLimits};
use crate::config::read::{At, Entries, Field, Place, Problems, did_you_mean, listed};
use crate::core::{
    ComponentName, ComponentSpec, Grants, Instances, Limits, RolloutPolicy, Supervision,
};

use super::{
    Premises, affinity, capabilities, instances, limits, rollout, subscribe, supervision, versions,
};

/// The components of a file: their names, of the faulty ones too, so that a mistake in one does
/// not make its routes look wrong.
pub(super) struct Components {
    places: BTreeMap<ComponentName, Place>,
    specs: BTreeMap<ComponentName, Arc<ComponentSpec>>,
    /// A route names them, or another component that may call them, or messages come to them.
    used: HashSet<ComponentName>,
}

impl Components {
    pub fn check(
        field: Field<Entries<ComponentName, RawComponent>>,
        defaults: Field<RawDefaults>,
        premises: &Premises<'_>,
        problems: &mut Problems<'_>,
    ) -> Self {
        let defaults = Defaults::check(defaults.into_table(), problems);
        let entries = field.into_table().0;
        // All names first: a component may be granted calls to one further down.
        let keys = entries.iter().map(|entry| &entry.key);
        let mut all = Self {
            places: keys
                .map(|key| (key.value.clone(), key.place.clone()))
                .collect(),
            specs: BTreeMap::new(),
            used: HashSet::new(),
        };
        for entry in &entries {
            if let Some(raw) = entry.value.value() {
                let spec = all.component(&entry.key, raw, &defaults, premises, problems);
                if !spec.subscriptions.is_empty() {
                    all.used.insert(entry.key.value.clone());
                }
                all.specs.insert(entry.key.value.clone(), Arc::new(spec));
            }
        }
        all
    }

    fn component(
        &mut self,
        name: &At<ComponentName>,
        raw: &RawComponent,
        defaults: &Defaults,
        premises: &Premises<'_>,
        problems: &mut Problems<'_>,
    ) -> ComponentSpec {
        let (versions, weights) = versions::versions(raw, &name.place, premises, problems);
        let budget = defaults.budget || sets_budget(&raw.limits);
        let grants = match raw.capabilities.value() {
            Some(raw) => capabilities::grants(raw, &name.value, self, premises, problems),
            None => Grants::default(),
        };
        let instances = raw.instances.value();
        let instances = instances.map_or_else(Instances::default, |raw| {
            instances::instances(raw, budget, problems)
        });
        ComponentSpec {
            name: name.value.clone(),
            versions,
            weights,
            limits: limits::limits(&raw.limits, &defaults.limits, problems),
            subscriptions: subscribe::subscriptions(
                &raw.subscribe,
                &instances,
                premises.bus,
                problems,
            ),
            instances,
            grants: Arc::new(grants),
            affinity: raw
                .affinity
                .given()
                .and_then(|raw| affinity::affinity(raw, problems)),
            rollout: raw
                .rollout
                .given()
                .map_or_else(RolloutPolicy::default, |raw| {
                    rollout::rollout(raw, problems)
                }),
            supervision: raw
                .supervision
                .value()
                .map_or_else(Supervision::default, |raw| {
                    supervision::supervision(raw, premises.drain_timeout, problems)
                }),
            mirrored: false,
            routed: false,
        }
    }

    /// Its name as it is written in the file, whatever the case of this one.
    pub fn named(&self, name: &str) -> Option<&ComponentName> {
        let mut names = self.places.keys();
        names.find(|known| known.as_str().eq_ignore_ascii_case(name))
    }

    /// A route or another component names it: reports one that there is not.
    pub fn expect(&mut self, name: &ComponentName, place: &Place, problems: &mut Problems<'_>) {
        if self.places.contains_key(name) {
            self.used.insert(name.clone());
            return;
        }
        let known = || self.places.keys().map(ComponentName::as_str);
        let meant = did_you_mean(name.as_str(), known());
        let message = format!("unknown component {:?}{meant}", name.as_str());
        let help = match self.places.is_empty() {
            true => format!("describe it in [component.{name}]"),
            false => format!("the components are {}", listed(known())),
        };
        problems.error(place, message).help(help);
    }

    /// Only where nothing else is wrong: the route may be there with a slip in it.
    pub fn warn_of_idle(&self, problems: &mut Problems<'_>) {
        if problems.has_errors() {
            return;
        }
        for (name, place) in &self.places {
            if !self.used.contains(name) {
                problems.warn(place, "no route leads to this component");
            }
        }
    }

    pub fn into_specs(
        mut self,
        routes: &[Arc<Route>],
    ) -> BTreeMap<ComponentName, Arc<ComponentSpec>> {
        for mirror in routes.iter().filter_map(|route| route.mirror.as_ref()) {
            if let Some(spec) = self.specs.get_mut(&mirror.component) {
                Arc::make_mut(spec).mirrored = true;
            }
        }
        for route in routes {
            if let Target::Component(name) = &route.target
                && let Some(spec) = self.specs.get_mut(name)
            {
                Arc::make_mut(spec).routed = true;
            }
        }
        self.specs
    }
}

/// `[defaults]`.
struct Defaults {
    limits: Limits,
    /// They set fuel or cpu.
    budget: bool,
}

impl Defaults {
    fn check(raw: RawDefaults, problems: &mut Problems<'_>) -> Self {
        let budget = sets_budget(&raw.limits);
        Self {
            limits: limits::limits(&raw.limits, &Limits::default(), problems),
            budget,
        }
    }
}

fn sets_budget(limits: &Field<RawLimits>) -> bool {
    limits
        .value()
        .is_some_and(|limits| !limits.fuel.is_absent() || !limits.cpu.is_absent())
}
