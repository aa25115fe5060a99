//! Entity tags (RFC 9110 §8.8.3) and what may be made to depend on them (§13.1). The tag of a
//! component is its generation, so whoever sends the tag that it read cannot overwrite what
//! somebody else has done meanwhile.

use std::fmt;

use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName};

use crate::admin::answer::Problem;
use crate::core::Revision;
use crate::lifecycle::DeliveryStatus;

/// Tags in one request: one is enough for all that we know of.
const MOST: usize = 32;

/// One entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct EntityTag {
    is_weak: bool,
    text: String,
}

impl EntityTag {
    pub fn of(status: &DeliveryStatus) -> Self {
        Self::strong(status.generation)
    }

    /// Of a value in a store.
    pub fn of_revision(revision: Revision) -> Self {
        Self::strong(revision.0)
    }

    fn strong(number: u64) -> Self {
        Self {
            is_weak: false,
            text: number.to_string(),
        }
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weak = if self.is_weak { "W/" } else { "" };
        write!(f, "{weak}\"{}\"", self.text)
    }
}

/// What one of the two headers says.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    These(Vec<EntityTag>),
}

/// What must be so for a value to be written.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::admin) enum Premise {
    /// Nothing.
    None,
    /// There is no value.
    Absent,
    /// There is a value.
    Present,
    /// There is a value of one of these revisions.
    OneOf(Vec<EntityTag>),
}

impl Premise {
    /// # Errors
    /// The headers are malformed, or contradict each other.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let refused = |detail: &str| Problem::bad_request(detail).field(IF_NONE_MATCH.as_str());
        match (tags(headers, &IF_MATCH)?, tags(headers, &IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::None),
            (Some(Tags::Any), None) => Ok(Self::Present),
            (Some(Tags::These(tags)), None) => Ok(Self::OneOf(tags)),
            (None, Some(Tags::Any)) => Ok(Self::Absent),
            (None, Some(Tags::These(_))) => Err(refused("If-None-Match: expected `*`")),
            (Some(_), Some(_)) => Err(refused("send If-Match or If-None-Match, not both")),
        }
    }

    /// Whether a value of this revision may be written over.
    pub fn allows(&self, revision: Revision) -> bool {
        match self {
            Self::None | Self::Present => true,
            Self::Absent => false,
            // Weak tags are equal to none (§8.8.3.2).
            Self::OneOf(tags) => tags.contains(&EntityTag::of_revision(revision)),
        }
    }
}

/// The generation that a change is made on the premise of; `None`: any.
///
/// # Errors
/// `If-Match` is malformed, or names other generations than the present one.
pub(in crate::admin) fn expected_generation(
    headers: &HeaderMap,
    status: &DeliveryStatus,
) -> Result<Option<u64>, Problem> {
    let actual = status.generation;
    let now = EntityTag::of(status);
    match tags(headers, &IF_MATCH)? {
        None | Some(Tags::Any) => Ok(None),
        // Weak tags are equal to none (§8.8.3.2).
        Some(Tags::These(tags)) if tags.contains(&now) => Ok(Some(actual)),
        Some(Tags::These(_)) => {
            let detail =
                format!("the component has changed meanwhile: it is at generation {actual}");
            Err(Problem::precondition_failed(detail).generation(actual))
        }
    }
}

/// Whether who asks has said that it has this already.
///
/// # Errors
/// `If-None-Match` is malformed.
pub(in crate::admin) fn is_known(headers: &HeaderMap, tag: &EntityTag) -> Result<bool, Problem> {
    Ok(match tags(headers, &IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.iter().any(|known| known.text == tag.text),
    })
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut lines = headers.get_all(name).iter().map(|line| line.to_str());
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let joined = lines.try_fold(first.ok().map(str::to_owned), |joined, line| {
        Some(joined.zip(line.ok()).map(|(all, line)| all + "," + line))
    });
    let parsed = joined.flatten().and_then(|text| parse(&text));
    parsed.map(Some).ok_or_else(|| {
        let detail = format!("{name}: expected `*`, or tags such as \"7\" in quotes");
        Problem::bad_request(detail).field(name.as_str())
    })
}

fn parse(text: &str) -> Option<Tags> {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut rest = text.trim_matches(SPACE);
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    loop {
        let (tag, after) = one(rest)?;
        tags.push(tag);
        rest = after.trim_start_matches(SPACE);
        if rest.is_empty() {
            return (tags.len() <= MOST).then_some(Tags::These(tags));
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(SPACE);
    }
}

/// The tag at the front of `text`, and what follows it.
fn one(text: &str) -> Option<(EntityTag, &str)> {
    let strong = text.strip_prefix("W/");
    let is_weak = strong.is_some();
    let (text, rest) = strong.unwrap_or(text).strip_prefix('"')?.split_once('"')?;
    let tag = EntityTag {
        is_weak,
        text: text.to_owned(),
    };
    let is_tag = text.chars().all(|c| c.is_ascii_graphic());
    is_tag.then_some((tag, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::collections::BTreeMap;

    fn status(generation: u64) -> DeliveryStatus {
        DeliveryStatus {
            component: "cart".parse().unwrap(),
            generation,
            versions: Vec::new(),
            traffic: BTreeMap::new(),
            previous: None,
            rollout: None,
        }
    }

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        let value = |line: &&str| HeaderValue::from_str(line).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines.iter().map(value) {
            headers.append(&name, line);
        }
        headers
    }

    /// What a component of generation 7 is expected to be.
    fn expected(lines: &[&str]) -> Result<Option<u64>, u16> {
        let headers = headers(IF_MATCH, lines);
        expected_generation(&headers, &status(7)).map_err(|it| it.status().as_u16())
    }

    #[test]
    fn the_present_generation_is_expected_of_who_names_it() {
        assert_eq!(expected(&[]), Ok(None));
        assert_eq!(expected(&["*"]), Ok(None));
        assert_eq!(expected(&["\"7\""]), Ok(Some(7)));
        assert_eq!(expected(&["\"5\", \"a,b\" ,\"7\""]), Ok(Some(7)));
        assert_eq!(expected(&["\"5\"", "\"7\""]), Ok(Some(7)));
    }

    #[test]
    fn other_generations_fail() {
        for other in ["\"6\"", "\"07\"", "\"\"", "W/\"7\"", "\"seven\""] {
            assert_eq!(expected(&[other]), Err(412), "{other}");
        }
    }

    #[test]
    fn malformed_tags_are_refused() {
        for bad in [
            "",
            "7",
            "\"7",
            "7\"",
            "\"7\",",
            ",\"7\"",
            "\"7\" \"8\"",
            "w/\"7\"",
            "*, \"7\"",
            "\"7 8\"",
        ] {
            assert_eq!(expected(&[bad]), Err(400), "{bad}");
        }
        assert_eq!(expected(&["*", "*"]), Err(400));
        assert_eq!(expected(&[&vec!["\"7\""; MOST + 1].join(",")]), Err(400));
    }

    #[test]
    fn who_has_it_is_not_sent_it_again() {
        let tag = EntityTag::of(&status(7));
        let known = |line| is_known(&headers(IF_NONE_MATCH, &[line]), &tag).unwrap();
        assert!(known("\"7\"") && known("W/\"7\"") && known("*") && known("\"1\",\"7\""));
        assert!(!known("\"8\""));
        assert!(!is_known(&HeaderMap::new(), &tag).unwrap());
    }

    #[test]
    fn a_value_is_written_on_a_premise() {
        let premise = |name: HeaderName, line: &str| {
            Premise::of(&headers(name, &[line])).map_err(|it| it.status().as_u16())
        };
        assert_eq!(Premise::of(&HeaderMap::new()).unwrap(), Premise::None);
        assert_eq!(premise(IF_MATCH, "*"), Ok(Premise::Present));
        assert_eq!(premise(IF_NONE_MATCH, "*"), Ok(Premise::Absent));
        assert_eq!(premise(IF_NONE_MATCH, "\"7\""), Err(400));
        let one_of = premise(IF_MATCH, "\"7\", W/\"8\"").unwrap();
        assert!(one_of.allows(Revision(7)) && !one_of.allows(Revision(8)));
        let mut both = headers(IF_MATCH, &["*"]);
        both.extend(headers(IF_NONE_MATCH, &["*"]));
        assert_eq!(Premise::of(&both).unwrap_err().status(), 400);
    }

    #[test]
    fn a_tag_is_written_in_quotes() {
        assert_eq!(EntityTag::of(&status(7)).to_string(), "\"7\"");
    }
}
