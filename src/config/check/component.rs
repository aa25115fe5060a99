//! `[component.NAME]`.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::config::model::Route;
use crate::config::raw::{RawComponent, RawDefaults, RawInstances, RawLimits};
use crate::config::read::{At, Entries, Field, Place, Problems, did_you_mean, listed};
use crate::core::{
    ComponentName, ComponentSpec, Grants, Instances, Limits, Reuse, RolloutPolicy, Supervision,
};

use super::{Premises, affinity, capabilities, limits, rollout, versions};

/// The components of a file: their names, of the faulty ones too, so that a mistake in one does
/// not make its routes look wrong.
pub(super) struct Components {
    places: BTreeMap<ComponentName, Place>,
    specs: BTreeMap<ComponentName, Arc<ComponentSpec>>,
    /// A route names them, or another component that may call them.
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
        ComponentSpec {
            name: name.value.clone(),
            versions,
            weights,
            limits: limits::limits(&raw.limits, &defaults.limits, problems),
            instances: raw
                .instances
                .value()
                .map_or_else(Instances::default, |raw| instances(raw, budget, problems)),
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
            subscriptions: Vec::new(),
            supervision: Supervision::default(),
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

fn instances(raw: &RawInstances, budget: bool, problems: &mut Problems<'_>) -> Instances {
    let default = Instances::default();
    let max = raw.max.or(default.max);
    if let Some(ready) = raw.ready.given().filter(|ready| ready.value > max.get()) {
        problems.error(
            &ready.place,
            format!("{} ready instances are more than max = {max}", ready.value),
        );
    }
    Instances {
        reuse: reuse(raw, budget, problems),
        ready: raw.ready.or(default.ready),
        idle_timeout: raw.idle_timeout.or(default.idle_timeout),
        max,
        actor: None,
    }
}

fn reuse(raw: &RawInstances, budget: bool, problems: &mut Problems<'_>) -> Reuse {
    let requests = raw.reuse.or(NonZeroU32::MIN);
    let Some(at_once) = raw.concurrent.given().filter(|at_once| at_once.get() > 1) else {
        return match requests.get() {
            1 => Reuse::Fresh,
            _ => Reuse::Serial { requests },
        };
    };
    if requests < at_once.value && !matches!(raw.reuse, Field::Unreadable) {
        problems
            .error(
                &at_once.place,
                format!(
                    "an instance that serves {requests} in all cannot serve {} at once",
                    at_once.value
                ),
            )
            .help(format!(
                "reuse must be at least concurrent: write reuse = {} or more",
                at_once.value
            ));
    }
    if budget {
        problems
            .warn(
                &at_once.place,
                "with concurrent > 1 the cpu and fuel budget is the instance's, not the request's",
            )
            .help("requests in one instance share it");
    }
    Reuse::Concurrent {
        requests,
        at_once: at_once.value,
    }
}
