//! Versions that a request names itself, past all weights.

use std::num::NonZeroU64;

use super::{ComponentName, VersionName, stable_hash};

/// Stands for one version of one component: a hash of both names, equal on every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionTag(NonZeroU64);

impl VersionTag {
    pub fn of(component: &ComponentName, version: &VersionName) -> Self {
        // Neither name can have a `=` in it.
        let hash = stable_hash(format!("{component}={version}").as_bytes());
        Self(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }
}

/// The versions that one request insists on: at most [`Forced::MOST`], nearly always none.
/// Small, so that it can go wherever the request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forced([Option<VersionTag>; Self::MOST]);

impl Forced {
    pub const MOST: usize = 4;
    pub const NONE: Self = Self([None; Self::MOST]);

    /// One more of them; `None` where there is no room for it.
    pub fn with(mut self, tag: VersionTag) -> Option<Self> {
        let free = self.0.iter_mut().find(|place| place.is_none())?;
        *free = Some(tag);
        Some(self)
    }

    pub fn is_none(&self) -> bool {
        self.0[0].is_none()
    }

    pub fn contains(&self, tag: VersionTag) -> bool {
        self.0.contains(&Some(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(component: &str, version: &str) -> VersionTag {
        VersionTag::of(&component.parse().unwrap(), &version.parse().unwrap())
    }

    #[test]
    fn a_tag_stands_for_both_names() {
        assert_eq!(tag("cart", "1"), tag("cart", "1"));
        let others = [tag("cart", "2"), tag("stock", "1"), tag("car", "t1")];
        assert!(others.iter().all(|other| *other != tag("cart", "1")));
    }

    #[test]
    fn four_can_be_forced_and_no_more() {
        let tags = ["1", "2", "3", "4"].map(|version| tag("cart", version));
        let forced = tags
            .iter()
            .try_fold(Forced::NONE, |all, tag| all.with(*tag));
        let forced = forced.unwrap();
        assert!(tags.iter().all(|tag| forced.contains(*tag)));
        assert!(!forced.contains(tag("cart", "5")) && !forced.is_none());
        assert_eq!(forced.with(tag("cart", "5")), None);
        assert!(Forced::NONE.is_none() && !Forced::NONE.contains(tags[0]));
    }
}
