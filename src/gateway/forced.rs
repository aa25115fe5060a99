//! `x-airgate-version: cart=1.6.0, stock=2.0.1`: versions that a client asks for by name.
//!
//! Believed only where the configuration permits it, ignored everywhere else. Nobody behind
//! the gateway ever sees the field: what it says goes with the request, and by that into
//! every call that the request causes.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName};

use crate::core::{ComponentName, Fault, Forced, VersionName, VersionTag};

const FIELD: HeaderName = HeaderName::from_static("x-airgate-version");

const MALFORMED: Fault =
    Fault::Malformed("x-airgate-version is not a list of at most 4 component=version");
const TWICE: Fault = Fault::Malformed("x-airgate-version names a component twice");
const UNKNOWN: Fault = Fault::Malformed("x-airgate-version names a version that is not there");

/// Takes the field out of a request. `loaded` are the versions that can be asked for;
/// `None`: clients may not.
///
/// # Errors
/// It says what cannot be obeyed.
pub(crate) fn take(
    headers: &mut HeaderMap,
    loaded: Option<&HashSet<VersionTag>>,
) -> Result<Forced, Fault> {
    if !headers.contains_key(FIELD) {
        return Ok(Forced::NONE);
    }
    let forced = loaded.map_or(Ok(Forced::NONE), |loaded| read(headers, loaded));
    headers.remove(FIELD);
    forced
}

#[cold]
fn read(headers: &HeaderMap, loaded: &HashSet<VersionTag>) -> Result<Forced, Fault> {
    let mut forced = Forced::NONE;
    let mut named = Vec::with_capacity(Forced::MOST);
    for line in headers.get_all(FIELD) {
        let line = line.to_str().map_err(|_| MALFORMED)?;
        for choice in line.split(',') {
            let (component, version) = parse(choice).ok_or(MALFORMED)?;
            let tag = VersionTag::of(&component, &version);
            forced = forced.with(tag).ok_or(MALFORMED)?;
            if !loaded.contains(&tag) {
                return Err(UNKNOWN);
            }
            if named.contains(&component) {
                return Err(TWICE);
            }
            named.push(component);
        }
    }
    Ok(forced)
}

fn parse(choice: &str) -> Option<(ComponentName, VersionName)> {
    let (component, version) = choice.trim().split_once('=')?;
    Some((component.parse().ok()?, version.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn tag(choice: &str) -> VersionTag {
        let (component, version) = parse(choice).unwrap();
        VersionTag::of(&component, &version)
    }

    fn loaded() -> HashSet<VersionTag> {
        let choices = ["cart=1", "cart=2", "a=1", "b=1", "c=1", "d=1"];
        choices.map(tag).into_iter().collect()
    }

    fn taken(lines: &[&str], loaded: Option<&HashSet<VersionTag>>) -> Result<Forced, Fault> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FIELD, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let forced = take(&mut headers, loaded);
        assert!(headers.is_empty(), "guests would see {headers:?}");
        forced
    }

    fn forced(choices: &[&str]) -> Forced {
        let tags = choices.iter().map(|choice| tag(choice));
        tags.fold(Forced::NONE, |forced, tag| forced.with(tag).unwrap())
    }

    #[test]
    fn one_or_several_versions_can_be_asked_for() {
        let loaded = loaded();
        let rows: [(&[&str], &[&str]); 5] = [
            (&[], &[]),
            (&["cart=1"], &["cart=1"]),
            (&["cart=2,a=1 , b=1"], &["cart=2", "a=1", "b=1"]),
            (&["cart=2", "a=1"], &["cart=2", "a=1"]),
            (&["a=1,b=1", "c=1,d=1"], &["a=1", "b=1", "c=1", "d=1"]),
        ];
        for (lines, choices) in rows {
            assert_eq!(
                taken(lines, Some(&loaded)),
                Ok(forced(choices)),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused() {
        let loaded = loaded();
        let malformed = [
            "",
            "cart",
            "cart=",
            "=1",
            "cart=1,",
            "cart==1",
            "cart=a/b",
            "cart 1",
            "c\u{e4}rt=1",
            "cart=1;a=1",
            "cart=1,a=1,b=1,c=1,d=1",
        ];
        for line in malformed {
            assert_eq!(taken(&[line], Some(&loaded)), Err(MALFORMED), "{line}");
        }
        let long = format!("cart={}", "1".repeat(129));
        assert_eq!(taken(&[&long], Some(&loaded)), Err(MALFORMED));
        for line in ["cart=3", "Cart=1", "nobody=1", "a=1,cart=3"] {
            assert_eq!(taken(&[line], Some(&loaded)), Err(UNKNOWN), "{line}");
        }
        for lines in [&["cart=1,cart=2"][..], &["cart=1", "cart=1"]] {
            assert_eq!(taken(lines, Some(&loaded)), Err(TWICE), "{lines:?}");
        }
    }

    #[test]
    fn where_clients_may_not_it_is_as_if_they_had_not() {
        for line in ["cart=1", "cart=3", "nonsense"] {
            assert_eq!(taken(&[line], None), Ok(Forced::NONE), "{line}");
        }
    }
}
