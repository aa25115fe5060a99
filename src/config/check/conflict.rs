//! Routes that no request can tell apart.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use crate::config::model::{HostPattern, PathPattern, Route};
use crate::config::read::{Place, Problems};

type Placed<'a> = (Arc<Route>, &'a Place);

/// All that a request is matched by, but for the method.
#[derive(PartialEq, Eq, Hash)]
struct Conditions<'a> {
    host: Option<&'a HostPattern>,
    path: PathKey,
    /// By name.
    headers: Vec<&'a (HeaderName, HeaderValue)>,
}

/// Reports every route that an earlier one hides, once.
pub(super) fn refuse_conflicts(routes: &[&Placed<'_>], problems: &mut Problems<'_>) {
    let mut seen: HashMap<Conditions<'_>, Vec<&Placed<'_>>> = HashMap::new();
    for placed in routes {
        let mut rivals = None;
        for conditions in conditions(&placed.0) {
            let others = seen.entry(conditions).or_default();
            match others
                .iter()
                .find(|other| methods_overlap(&other.0.methods, &placed.0.methods))
            {
                Some(other) => rivals = rivals.or(Some(*other)),
                None => others.push(placed),
            }
        }
        if let Some(first) = rivals {
            report(first, placed, problems);
        }
    }
    refuse_unroutable(routes, problems);
}

/// One for each host.
fn conditions(route: &Route) -> impl Iterator<Item = Conditions<'_>> {
    let mut headers: Vec<_> = route.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    let path = PathKey::of(&route.path);
    hosts(route).into_iter().map(move |host| Conditions {
        host,
        path: path.clone(),
        headers: headers.clone(),
    })
}

fn hosts(route: &Route) -> Vec<Option<&HostPattern>> {
    match route.hosts[..] {
        [] => vec![None],
        _ => route.hosts.iter().map(Some).collect(),
    }
}

/// A path up to the names of its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PathKey(PathPattern);

impl PathKey {
    fn of(path: &PathPattern) -> Self {
        match path {
            PathPattern::Pattern(text) => Self(PathPattern::Pattern(without_names(text))),
            other => Self(other.clone()),
        }
    }
}

fn without_names(pattern: &str) -> String {
    let mut parts = pattern.split('{');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let star = if name.starts_with('*') { "*" } else { "" };
        plain.push_str(&format!("{{{star}p}}{rest}"));
    }
    plain
}

fn methods_overlap(one: &[Method], other: &[Method]) -> bool {
    let takes = |methods: &[Method], method: &Method| {
        methods.is_empty()
            || methods.contains(method)
            || (method == Method::HEAD && methods.contains(&Method::GET))
    };
    one.is_empty()
        || other.iter().any(|method| takes(one, method))
        || one.iter().any(|method| takes(other, method))
}

fn report((_, first): &Placed<'_>, (route, place): &Placed<'_>, problems: &mut Problems<'_>) {
    let line = problems.line(first);
    let message = format!(
        "{:?} cannot be told apart from {}, first defined on line {line}",
        route.path.as_str(),
        first.path
    );
    problems
        .error(place, message)
        .help("make host, path, methods or headers differ")
        .related(&first.span, "first defined here");
}

/// Patterns that differ and yet cannot stand in one router, such as `/{a}` beside `/{*b}`.
fn refuse_unroutable(routes: &[&Placed<'_>], problems: &mut Problems<'_>) {
    let mut routers: HashMap<Option<&HostPattern>, matchit::Router<()>> = HashMap::new();
    let mut known = HashSet::new();
    for (route, place) in routes {
        let PathKey(PathPattern::Pattern(pattern)) = PathKey::of(&route.path) else {
            continue;
        };
        for host in hosts(route) {
            if !known.insert((host, pattern.clone())) {
                continue;
            }
            let inserted = routers.entry(host).or_default().insert(&*pattern, ());
            if let Err(matchit::InsertError::Conflict { with }) = inserted {
                let message = format!(
                    "{:?} cannot stand beside the path {with:?}",
                    route.path.as_str()
                );
                let help = match pattern.contains("{*") || with.contains("{*") {
                    true => "write the one with the {*…} as a prefix",
                    false => "let each parameter take the whole part between two slashes",
                };
                problems.error(place, message).help(help);
            }
        }
    }
}
