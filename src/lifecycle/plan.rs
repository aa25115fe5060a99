//! File or deployment: the newer statement wins. Pure decisions on what a component is to be.

use sha2::{Digest as _, Sha256};

use super::state::{ComponentState, KeptVersion, Phase, Traffic, VersionOrigin};
use crate::core::{Digest, Timestamp, VersionName, Weight};

/// What the configuration says of one component: bytes, by name, and their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub versions: Vec<Stated>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    pub name: VersionName,
    pub digest: Digest,
    pub bytes: u64,
    pub weight: Weight,
    pub source: String,
}

/// A name that means other bytes already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "version `{version}` is there already with other bytes ({existing}); give these another name, or no name: they are then named after their digest"
)]
pub struct NameTaken {
    pub version: VersionName,
    pub existing: Digest,
}

impl Statement {
    /// Two statements that say the same have the same digest.
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        for Stated {
            name,
            digest,
            weight,
            ..
        } in &self.versions
        {
            hasher.update(format!("{name} {digest} {weight}\n"));
        }
        Digest::new(hasher.finalize().into())
    }

    pub fn traffic(&self) -> Traffic {
        let shares = self.versions.iter();
        Traffic::new(shares.map(|stated| (stated.name.clone(), stated.weight)))
    }

    /// What the component becomes by it: `None` where it is obeyed already, and what was
    /// deployed since stands.
    ///
    /// # Errors
    /// A name in it means other bytes already.
    pub fn obeyed(
        &self,
        old: Option<&ComponentState>,
        now: Timestamp,
    ) -> Result<Option<ComponentState>, NameTaken> {
        let mut state = old.cloned().unwrap_or_default();
        if state.statement == Some(self.digest()) {
            return Ok(None);
        }
        for stated in &self.versions {
            keep(&mut state, stated, now)?;
        }
        supersede(&mut state, "the configuration names something newer", now);
        let traffic = self.traffic();
        if traffic != state.traffic {
            let old = std::mem::replace(&mut state.traffic, traffic);
            state.previous = (!old.is_empty()).then_some(old);
        }
        state.statement = Some(self.digest());
        state.named = self.versions.iter().map(|it| it.name.clone()).collect();
        Ok(Some(state))
    }
}

fn keep(state: &mut ComponentState, stated: &Stated, now: Timestamp) -> Result<(), NameTaken> {
    let known = state.versions.iter_mut().find(|it| it.name == stated.name);
    match known {
        Some(known) if known.digest == stated.digest => {
            known.source = Some(stated.source.clone());
            Ok(())
        }
        Some(known) => Err(NameTaken {
            version: known.name.clone(),
            existing: known.digest,
        }),
        None => {
            state.versions.push(KeptVersion {
                name: stated.name.clone(),
                digest: stated.digest,
                bytes: stated.bytes,
                origin: VersionOrigin::Configuration,
                added: now,
                source: Some(stated.source.clone()),
            });
            Ok(())
        }
    }
}

/// Ends a rollout that something newer has made pointless.
pub(super) fn supersede(state: &mut ComponentState, reason: &str, now: Timestamp) {
    let Some(rollout) = state.rollout.as_mut().filter(|it| it.phase.is_active()) else {
        return;
    };
    rollout.phase = Phase::Superseded;
    rollout.changed = now;
    rollout.reason = Some(reason.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(name: &str, byte: u8, weight: Weight) -> Stated {
        Stated {
            name: name.parse().unwrap(),
            digest: Digest::new([byte; 32]),
            bytes: 1,
            weight,
            source: format!("{name}.wasm"),
        }
    }

    fn file(versions: &[(&str, u8, Weight)]) -> Statement {
        let versions = versions.iter();
        Statement {
            versions: versions
                .map(|(name, byte, weight)| stated(name, *byte, *weight))
                .collect(),
        }
    }

    fn obeyed(file: &Statement, old: Option<&ComponentState>) -> Option<ComponentState> {
        file.obeyed(old, Timestamp::from_millis(1)).unwrap()
    }

    #[test]
    fn what_was_deployed_stands_while_the_file_says_the_same() {
        let first = file(&[("a", 1, 1)]);
        let mut state = obeyed(&first, None).unwrap();
        state.traffic = Traffic::only("deployed".parse().unwrap());
        assert_eq!(obeyed(&first, Some(&state)), None);
    }

    #[test]
    fn the_file_wins_once_it_names_something_else() {
        let mut state = obeyed(&file(&[("a", 1, 1)]), None).unwrap();
        let deployed = Traffic::only("deployed".parse().unwrap());
        state.traffic = deployed.clone();
        let next = obeyed(&file(&[("b", 2, 1)]), Some(&state)).unwrap();
        assert_eq!(next.traffic, Traffic::only("b".parse().unwrap()));
        assert_eq!(next.previous, Some(deployed));
        let names: Vec<_> = next.versions.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn other_weights_are_another_statement() {
        let state = obeyed(&file(&[("a", 1, 1), ("b", 2, 0)]), None).unwrap();
        let next = obeyed(&file(&[("a", 1, 1), ("b", 2, 1)]), Some(&state)).unwrap();
        assert_eq!(next.traffic.weight(&"b".parse().unwrap()), 1);
        assert_eq!(next.versions.len(), 2);
    }

    #[test]
    fn a_name_never_means_other_bytes() {
        let state = obeyed(&file(&[("a", 1, 1)]), None).unwrap();
        let refused = file(&[("a", 2, 1)]).obeyed(Some(&state), Timestamp::from_millis(1));
        assert_eq!(refused.unwrap_err().existing, Digest::new([1; 32]));
    }
}
