//! What is named on the command line: checked before anything is asked.

use std::str::FromStr;

use crate::core::{ComponentName, NameError, VersionName, Weight};

/// A name that can stand in the path of a URL.
pub(super) fn component(text: &str) -> Result<ComponentName, String> {
    in_path(text)
}

/// As [`component`].
pub(super) fn version(text: &str) -> Result<VersionName, String> {
    in_path(text)
}

fn in_path<T: FromStr<Err = NameError>>(text: &str) -> Result<T, String> {
    // RFC 3986 §5.2.4: they would lead to another resource.
    if matches!(text, "." | "..") {
        return Err("a name is more than dots".into());
    }
    text.parse().map_err(|error: NameError| error.to_string())
}

/// `VERSION=WEIGHT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weighted(pub VersionName, pub Weight);

impl FromStr for Weighted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a version and its weight, such as 1.5.0=5";
        let (name, weight) = text.rsplit_once('=').ok_or(expected)?;
        let weight = weight.parse().map_err(|_| expected)?;
        Ok(Self(version(name)?, weight))
    }
}

/// Percentages that rise, each 1 to 99; 100 follows by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps(Vec<u8>);

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected rising percentages from 1 to 99, such as 5,25,50";
        let steps = text.split(',').map(|step| step.trim().parse());
        let steps: Vec<u8> = steps.collect::<Result<_, _>>().map_err(|_| expected)?;
        let in_range = steps.iter().all(|step| (1..=99).contains(step));
        match in_range && steps.is_sorted_by(|a, b| a < b) {
            true => Ok(Self(steps)),
            false => Err(expected.into()),
        }
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_to_another_resource() {
        assert_eq!(component("cart").unwrap().as_str(), "cart");
        assert_eq!(version("1.5.0+b.1").unwrap().as_str(), "1.5.0+b.1");
        for bad in ["", ".", "..", "a/b", "a b", "%2e%2e", "a?b"] {
            assert!(component(bad).is_err() && version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn weights_belong_to_versions() {
        let weighted: Weighted = "1.4.2=95".parse().unwrap();
        assert_eq!((weighted.0.as_str(), weighted.1), ("1.4.2", 95));
        for bad in ["", "1.4.2", "1.4.2=", "=5", "a=-1", "a=5%", "a=4294967296"] {
            assert!(bad.parse::<Weighted>().is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_rise() {
        assert_eq!("5, 25,50".parse::<Steps>().unwrap().to_string(), "5,25,50");
        for bad in ["", "0", "100", "25,5", "5,5", "5,,6", "a", "5;6", "256"] {
            assert!(bad.parse::<Steps>().is_err(), "{bad}");
        }
    }
}
