//! The shares of versions in the requests of their component.

use serde::{Deserialize, Serialize};

use crate::core::{VersionName, Weight};

/// Weights above this are brought down before they are mixed; the split stays exact to a
/// ten-thousandth of a percent.
const FINEST: u64 = 1_000_000;

/// One version's part of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub version: VersionName,
    pub weight: Weight,
}

/// The weights of versions, the oldest version first. What is not in it gets nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Traffic(Vec<Share>);

impl Traffic {
    /// Shares without weight are left out.
    pub fn new(shares: impl IntoIterator<Item = (VersionName, Weight)>) -> Self {
        let shares = shares.into_iter().filter(|(_, weight)| *weight > 0);
        Self(
            shares
                .map(|(version, weight)| Share { version, weight })
                .collect(),
        )
    }

    /// Everything to one version.
    pub fn only(version: VersionName) -> Self {
        Self::new([(version, 1)])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Share> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn weight(&self, version: &VersionName) -> Weight {
        let share = self.0.iter().find(|share| share.version == *version);
        share.map_or(0, |share| share.weight)
    }

    pub fn sum(&self) -> u64 {
        self.0.iter().map(|share| u64::from(share.weight)).sum()
    }

    /// The version with the most of it, the older one of equals.
    pub fn foremost(&self) -> Option<&VersionName> {
        let most = self.0.iter().rev().max_by_key(|share| share.weight);
        most.map(|share| &share.version)
    }

    /// The same shares among the others, and `percent` of the whole for `candidate`.
    pub fn shifted(&self, candidate: &VersionName, percent: u8) -> Self {
        let others = || self.0.iter().filter(|share| share.version != *candidate);
        let sum: u64 = others().map(|share| u64::from(share.weight)).sum();
        if percent >= 100 || sum == 0 {
            return Self::only(candidate.clone());
        }
        let scale = |weight: u64| {
            if sum > FINEST {
                (weight * FINEST / sum).max(1)
            } else {
                weight
            }
        };
        let (mut shares, mut total) = (Vec::new(), 0);
        for share in others() {
            let weight = scale(share.weight.into());
            total += weight;
            shares.push((share.version.clone(), weight * u64::from(100 - percent)));
        }
        shares.push((candidate.clone(), total * u64::from(percent)));
        let divisor = shares
            .iter()
            .fold(0, |divisor, (_, weight)| gcd(*weight, divisor))
            .max(1);
        let shares = shares.into_iter();
        // At most 100 times what `scale` lets through, so it fits.
        Self::new(shares.map(|(version, weight)| (version, (weight / divisor) as Weight)))
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(shares: &[(&str, u32)]) -> Traffic {
        Traffic::new(
            shares
                .iter()
                .map(|(name, weight)| (name.parse().unwrap(), *weight)),
        )
    }

    #[test]
    fn a_candidate_takes_its_percentage_from_all_others_alike() {
        let new = "c".parse().unwrap();
        assert_eq!(
            traffic(&[("a", 1)]).shifted(&new, 5),
            traffic(&[("a", 19), ("c", 1)])
        );
        let both = traffic(&[("a", 75), ("b", 25)]);
        assert_eq!(
            both.shifted(&new, 20),
            traffic(&[("a", 3), ("b", 1), ("c", 1)])
        );
        assert_eq!(both.shifted(&new, 100), traffic(&[("c", 1)]));
        assert_eq!(
            both.shifted(&"b".parse().unwrap(), 50),
            traffic(&[("a", 1), ("b", 1)])
        );
    }

    #[test]
    fn the_largest_weights_can_be_mixed() {
        let mixed = traffic(&[("a", u32::MAX - 1), ("b", 1)]).shifted(&"c".parse().unwrap(), 99);
        let share = f64::from(mixed.weight(&"c".parse().unwrap())) / mixed.sum() as f64;
        assert!((share - 0.99).abs() < 1e-6, "{share}");
        assert_eq!(mixed.iter().count(), 3);
    }

    #[test]
    fn the_foremost_version_has_the_most() {
        assert_eq!(
            traffic(&[("a", 5), ("b", 5)]).foremost().unwrap().as_str(),
            "a"
        );
        assert_eq!(
            traffic(&[("a", 5), ("b", 95)]).foremost().unwrap().as_str(),
            "b"
        );
    }
}
