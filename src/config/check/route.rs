//! `[[route]]`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::model::{PathPattern, Route};
use crate::config::raw::RawRoute;
use crate::config::read::{At, Field, List, Place, Problems};

use super::component::Components;
use super::headers::{self, Message};
use super::{Surroundings, conflict, messages, mirror, target};

/// The routes in the order of the file.
pub(super) fn routes(
    field: Field<List<RawRoute>>,
    components: &mut Components,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Vec<Arc<Route>> {
    let raws = field.into_table();
    let mut names = Names::of(&raws, problems);
    let mut routes = Vec::new();
    for raw in &raws {
        if let Some(route) = route(raw, components, around, problems) {
            let name = names.name(raw, &route.path);
            routes.push((Arc::new(Route { name, ..route }), &raw.place));
        }
    }
    // A route with another mistake is not what it was meant to be.
    let faulty = problems.faulty_roots();
    let sound = routes
        .iter()
        .filter(|(_, place)| !faulty.contains(&place.path));
    conflict::refuse_conflicts(&sound.collect::<Vec<_>>(), problems);
    routes.into_iter().map(|(route, _)| route).collect()
}

/// Its name is given later, when the names of all are known. Everything is looked at before the
/// first `?`, so that no mistake hides another.
fn route(
    raw: &At<RawRoute>,
    components: &mut Components,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Route> {
    let path = path(raw, problems);
    let target = target::target(raw, components, around, problems);
    let mirror = mirror::mirror(raw, components, problems);
    if let Some(path) = &path {
        check_strip_prefix(raw, path, problems);
    }
    let hosts = some_or_any(&raw.hosts, "host", problems);
    let methods = some_or_any(&raw.methods, "method", problems);
    let methods = messages::methods(methods, raw, target.as_ref(), problems);
    let headers = headers::conditions(&raw.headers, problems);
    let request_headers = headers::edits(&raw.request_headers, Message::Request, problems);
    let response_headers = headers::edits(&raw.response_headers, Message::Response, problems);
    let strip_prefix = raw.strip_prefix.value();
    Some(Route {
        name: String::new(),
        hosts,
        path: path?,
        methods,
        headers,
        target: target?,
        mirror,
        strip_prefix: strip_prefix.map(|prefix| prefix.0.clone()),
        request_headers,
        response_headers,
    })
}

fn path(raw: &At<RawRoute>, problems: &mut Problems<'_>) -> Option<PathPattern> {
    match (raw.path.is_absent(), raw.prefix.is_absent()) {
        (false, false) => {
            problems.error(&raw.place, "a route has either a `path` or a `prefix`");
        }
        (true, true) => {
            problems
                .error(&raw.place, "`path` or `prefix` is missing")
                .help("prefix = \"/\" matches every path");
        }
        _ => {}
    }
    let prefix = raw
        .prefix
        .value()
        .map(|prefix| PathPattern::Prefix(prefix.0.clone()));
    raw.path.value().cloned().or(prefix)
}

/// An empty list would read as "none" and mean "any".
fn some_or_any<T: Clone + PartialEq>(
    field: &Field<List<T>>,
    noun: &str,
    problems: &mut Problems<'_>,
) -> Vec<T> {
    let Some(list) = field.given() else {
        return Vec::new();
    };
    if list.is_empty() {
        problems
            .error(&list.place, format!("an empty list allows no {noun}"))
            .help(format!("for any {noun} leave it out"));
    }
    let mut values: Vec<T> = Vec::new();
    for at in list.iter() {
        if !values.contains(&at.value) {
            values.push(at.value.clone());
        }
    }
    values
}

/// What is stripped must be there in every request that the route takes.
fn check_strip_prefix(raw: &RawRoute, path: &PathPattern, problems: &mut Problems<'_>) {
    let Some(strip) = raw.strip_prefix.given() else {
        return;
    };
    let literal = path.as_str().split('{').next().unwrap_or_default();
    let is_whole =
        |rest: &str| rest.starts_with('/') || (rest.is_empty() && literal == path.as_str());
    if !literal.strip_prefix(strip.0.as_str()).is_some_and(is_whole) {
        let message = format!("{:?} does not begin with {:?}", path.as_str(), strip.0);
        problems
            .error(&strip.place, message)
            .help("every path that the route takes must begin with it");
    }
}

/// Gives every route a name of its own.
struct Names {
    taken: HashSet<String>,
    /// How often a name was made.
    made: HashMap<String, u32>,
}

impl Names {
    /// Those that are written down.
    fn of(raws: &List<RawRoute>, problems: &mut Problems<'_>) -> Self {
        let mut first: HashMap<&str, &Place> = HashMap::new();
        for name in raws.iter().filter_map(|raw| raw.name.given()) {
            if let Some(place) = first.insert(&name.0, &name.place) {
                let line = problems.line(place);
                let message = format!(
                    "route name {:?} is there twice, first on line {line}",
                    name.0
                );
                problems
                    .error(&name.place, message)
                    .related(&place.span, "first used here");
            }
        }
        let taken = first.into_keys().map(String::from).collect();
        Self {
            taken,
            made: HashMap::new(),
        }
    }

    fn name(&mut self, raw: &RawRoute, path: &PathPattern) -> String {
        match raw.name.value() {
            Some(name) => name.0.clone(),
            None => self.made_from(path),
        }
    }

    /// `/api/cart/{id}` is `api-cart-id`; the second of its kind `api-cart-id-2`.
    fn made_from(&mut self, path: &PathPattern) -> String {
        let words = path.as_str().split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        let base = if words.is_empty() {
            "root".into()
        } else {
            words.join("-")
        };
        let count = self.made.entry(base.clone()).or_default();
        loop {
            *count += 1;
            let name = if *count == 1 {
                base.clone()
            } else {
                format!("{base}-{count}")
            };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
