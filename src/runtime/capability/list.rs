//! The list of all capabilities.

use std::sync::Arc;

use super::{
    Capability, clocks, components, config, environment, files, http, keyvalue, messaging, random,
    sockets,
};

/// Every capability of a process: those that are built in, and those that an embedding
/// program adds.
#[derive(Clone)]
pub struct Capabilities {
    all: Vec<Arc<dyn Capability>>,
    /// How many of them are built in.
    standard: usize,
}

impl Capabilities {
    /// The built-in ones.
    pub fn standard() -> Self {
        let all: Vec<Arc<dyn Capability>> = vec![
            Arc::new(http::Http),
            Arc::new(components::Components),
            Arc::new(environment::Environment),
            Arc::new(config::Config),
            Arc::new(files::Files),
            Arc::new(sockets::Sockets),
            Arc::new(messaging::Publish),
            Arc::new(messaging::Request),
            Arc::new(keyvalue::Keyvalue),
            Arc::new(clocks::Clocks),
            Arc::new(random::Random),
        ];
        Self {
            standard: all.len(),
            all,
        }
    }

    /// With one more, which `[component.NAME.capabilities.custom]` grants by its name.
    #[must_use]
    pub fn with(mut self, capability: impl Capability) -> Self {
        self.all.push(Arc::new(capability));
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Capability> {
        self.all.iter().map(|capability| &**capability)
    }

    /// Those that an embedding program has added.
    pub fn added(&self) -> impl Iterator<Item = &dyn Capability> {
        self.iter().skip(self.standard)
    }

    /// Those behind an import: none where it is harmless, several where any of them gives a
    /// guest a use for it.
    pub fn behind<'a>(&'a self, import: &'a str) -> impl Iterator<Item = &'a dyn Capability> {
        self.iter()
            .filter(move |capability| capability.covers(import))
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::standard()
    }
}
