//! What a component imports, beside what it is granted.

use super::{Capabilities, Capability};
use crate::core::Grants;

/// How imports and grants of one component differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    pub missing: Vec<Missing>,
    /// Granted, although nothing that is imported could use it.
    pub unneeded: Vec<&'static str>,
}

/// An import that leads nowhere, or not far, as long as nothing is granted for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub import: String,
    /// Each of these would give it a meaning.
    pub capabilities: Vec<&'static str>,
    /// Toolchains import it whether or not the code uses it.
    pub is_usual: bool,
    /// What it gives without a grant all the same.
    pub remains: Option<&'static str>,
    /// Calling it traps: its functions have no error to say it with.
    pub traps: bool,
}

impl Capabilities {
    /// Compares the imports of a component with its grants.
    pub fn compare(&self, imports: &[String], grants: &Grants) -> Needs {
        let missing = imports
            .iter()
            .filter_map(|import| self.missing(import, grants));
        let is_unneeded = |capability: &&dyn Capability| {
            capability.is_granted(grants)
                && !capability.is_granted(&Grants::default())
                && !imports.iter().any(|import| capability.covers(import))
        };
        Needs {
            missing: missing.collect(),
            unneeded: self
                .iter()
                .filter(is_unneeded)
                .map(|it| it.name())
                .collect(),
        }
    }

    fn missing(&self, import: &str, grants: &Grants) -> Option<Missing> {
        let behind: Vec<_> = self.behind(import).collect();
        if behind.is_empty() || behind.iter().any(|it| it.is_granted(grants)) {
            return None;
        }
        Some(Missing {
            import: import.to_owned(),
            capabilities: behind.iter().map(|it| it.name()).collect(),
            remains: behind.iter().find_map(|it| it.remains(import)),
            is_usual: behind.iter().all(|it| it.is_usual()),
            traps: behind.iter().any(|it| !it.denies_by_error()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_grants_are_compared() {
        let imports = [
            "wasi:http/outgoing-handler@0.2.3",
            "wasi:cli/environment@0.2.3",
            "wasi:io/poll@0.2.3",
            "wasi:clocks/wall-clock@0.2.3",
        ]
        .map(String::from);
        let grants = Grants {
            sockets: vec!["tcp://example.com:1".parse().unwrap()],
            ..Grants::default()
        };
        let needs = Capabilities::standard().compare(&imports, &grants);
        assert_eq!(needs.unneeded, ["sockets"]);
        let missing: Vec<_> = needs
            .missing
            .iter()
            .map(|it| (&*it.capabilities, it.is_usual))
            .collect();
        assert_eq!(
            missing,
            [
                (&["http", "components"][..], false),
                (&["environment"][..], true)
            ]
        );
    }

    #[test]
    fn one_of_several_capabilities_is_enough() {
        let imports = ["wasi:http/client@0.3.0".to_owned()];
        let grants = Grants {
            components: vec!["stock".parse().unwrap()],
            ..Grants::default()
        };
        assert_eq!(
            Capabilities::standard().compare(&imports, &grants),
            Needs::default()
        );
    }

    #[test]
    fn what_remains_of_an_import_is_told() {
        let imports = [
            "wasi:messaging/types@0.2.0-draft",
            "wasi:messaging/producer@0.2.0-draft",
            "wasi:messaging/request-reply@0.2.0-draft",
            "wasmcloud:messaging/consumer@0.2.0",
            "airssys:core/host-messaging@1.0.0",
            "airssys:core/host-services@1.0.0",
        ]
        .map(String::from);
        let needs = Capabilities::standard().compare(&imports, &Grants::default());
        let missing: Vec<_> = needs
            .missing
            .iter()
            .map(|it| (&*it.import, &*it.capabilities, it.remains))
            .collect();
        let replies = Some("replies to messages");
        assert_eq!(
            missing,
            [
                (&*imports[1], &["publish"][..], None),
                (&*imports[2], &["request"][..], replies),
                (&*imports[3], &["publish", "request"][..], replies),
                (&*imports[4], &["publish", "request"][..], replies),
                (&*imports[5], &["components"][..], Some("what it is itself")),
            ]
        );
    }

    #[test]
    fn every_capability_has_a_name_of_its_own() {
        let capabilities = Capabilities::standard();
        let mut names: Vec<_> = capabilities.iter().map(|it| it.name()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
