//! Finds the route of a request. Pure, without allocation.
//!
//! Precedence: exact host over wildcard over any; exact path over pattern over longest
//! prefix; then more header conditions; then file order.

use std::collections::{HashMap, HashSet};

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::config::{HostPattern, PathPattern, Route};
use crate::core::Fault;

/// Host names are at most this long (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 255;

/// A table of routes; each is known by its place in the list it was built from.
#[derive(Default)]
pub struct Router {
    exact: HashMap<String, Paths>,
    /// By the suffix behind the `*`, dot included.
    wildcards: HashMap<String, Paths>,
    any: Paths,
}

/// A table that cannot be built; `check` finds such routes first.
#[derive(Debug, thiserror::Error)]
#[error("route `{route}`: {reason}")]
pub struct RouteError {
    pub route: String,
    pub reason: String,
}

#[derive(Default)]
struct Paths {
    exact: HashMap<String, Vec<Candidate>>,
    patterns: matchit::Router<usize>,
    prefixes: matchit::Router<usize>,
    /// What the two routers point to.
    lists: Vec<Vec<Candidate>>,
    names: HashMap<PathPattern, usize>,
}

struct Candidate {
    route: usize,
    methods: Vec<Method>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Candidate {
    fn new(index: usize, route: &Route) -> Self {
        let mut methods = route.methods.clone();
        // GET brings HEAD (RFC 9110 §9.3.2).
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        Self {
            route: index,
            methods,
            headers: route.headers.clone(),
        }
    }

    fn takes_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    fn takes_headers(&self, headers: &HeaderMap) -> bool {
        let has = |(name, value): &(HeaderName, HeaderValue)| {
            headers.get_all(name).iter().any(|given| given == value)
        };
        self.headers.iter().all(has)
    }
}

impl Router {
    /// # Errors
    /// Two patterns of one host contradict each other.
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Result<Self, RouteError> {
        let mut router = Self::default();
        for (index, route) in routes.into_iter().enumerate() {
            let fail = |reason| RouteError {
                route: route.name.clone(),
                reason,
            };
            if route.hosts.is_empty() {
                router.any.add(index, route).map_err(fail)?;
            }
            for host in &route.hosts {
                let paths = match host {
                    HostPattern::Exact(name) => router.exact.entry(name.clone()),
                    HostPattern::Wildcard(suffix) => router.wildcards.entry(suffix.clone()),
                };
                paths.or_default().add(index, route).map_err(fail)?;
            }
        }
        let all = router
            .exact
            .values_mut()
            .chain(router.wildcards.values_mut());
        all.chain([&mut router.any]).for_each(Paths::finish);
        Ok(router)
    }

    /// The place of the route for a request. `host` has no port, `path` is normalised.
    ///
    /// # Errors
    /// No route, or none for this method.
    pub fn find(
        &self,
        host: &str,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<usize, Fault> {
        let mut buffer = [0; LONGEST_HOST];
        let host = lower_case(host, &mut buffer);
        let search = Search {
            method,
            path,
            headers,
        };
        for paths in self.tables(host) {
            if let Some(route) = paths.find(&search) {
                return Ok(route);
            }
        }
        Err(self.refusal(host, &search))
    }

    /// The tables that may know a host, best first.
    fn tables<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Paths> {
        let dots = host.match_indices('.').map(|(at, _)| &host[at..]);
        let exact = self.exact.get(host);
        let wildcards = dots.filter_map(|suffix| self.wildcards.get(suffix));
        exact.into_iter().chain(wildcards).chain([&self.any])
    }

    /// The path may exist for other methods (RFC 9110 §15.5.6).
    #[cold]
    fn refusal(&self, host: &str, search: &Search<'_>) -> Fault {
        let mut methods: Vec<&Method> = Vec::new();
        let mut seen = HashSet::new();
        for paths in self.tables(host) {
            paths
                .lists_for(search.path)
                .flatten()
                .for_each(|candidate| {
                    if candidate.takes_headers(search.headers) {
                        methods.extend(
                            candidate
                                .methods
                                .iter()
                                .filter(|m| seen.insert(m.as_str().to_owned())),
                        );
                    }
                });
        }
        if methods.is_empty() {
            return Fault::NoRoute;
        }
        let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        Fault::MethodNotAllowed {
            allow: names.join(", "),
        }
    }
}

struct Search<'a> {
    method: &'a Method,
    path: &'a str,
    headers: &'a HeaderMap,
}

impl Paths {
    fn add(&mut self, index: usize, route: &Route) -> Result<(), String> {
        let candidate = Candidate::new(index, route);
        match &route.path {
            PathPattern::Exact(path) => self.exact.entry(path.clone()).or_default().push(candidate),
            pattern => {
                let list = self.list(pattern)?;
                self.lists[list].push(candidate);
            }
        }
        Ok(())
    }

    /// The list of a pattern or prefix, made when it is new.
    fn list(&mut self, pattern: &PathPattern) -> Result<usize, String> {
        if let Some(list) = self.names.get(pattern) {
            return Ok(*list);
        }
        let list = self.lists.len();
        let insert = |router: &mut matchit::Router<usize>, path: String| {
            router.insert(path, list).map_err(|error| error.to_string())
        };
        match pattern {
            PathPattern::Prefix(prefix) => {
                let bare = escape(prefix.trim_end_matches('/'));
                if !bare.is_empty() {
                    insert(&mut self.prefixes, bare.clone())?;
                }
                insert(&mut self.prefixes, format!("{bare}/"))?;
                insert(&mut self.prefixes, format!("{bare}/{{*rest}}"))?;
            }
            PathPattern::Exact(path) | PathPattern::Pattern(path) => {
                insert(&mut self.patterns, path.clone())?;
            }
        }
        self.lists.push(Vec::new());
        self.names.insert(pattern.clone(), list);
        Ok(list)
    }

    /// Puts the candidates of each list in order: more conditions first, then file order.
    fn finish(&mut self) {
        for list in self.exact.values_mut().chain(&mut self.lists) {
            list.sort_by_key(|candidate| {
                (std::cmp::Reverse(candidate.headers.len()), candidate.route)
            });
        }
    }

    fn find(&self, search: &Search<'_>) -> Option<usize> {
        let fits = |candidate: &&Candidate| {
            candidate.takes_method(search.method) && candidate.takes_headers(search.headers)
        };
        self.lists_for(search.path)
            .find_map(|list| list.iter().find(fits))
            .map(|c| c.route)
    }

    /// The lists whose path matches, best first.
    fn lists_for<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Vec<Candidate>> {
        let exact = self.exact.get(path);
        let pattern = self
            .patterns
            .at(path)
            .ok()
            .map(|found| &self.lists[*found.value]);
        let prefixes = Prefixes {
            paths: self,
            rest: Some(path),
        };
        exact.into_iter().chain(pattern).chain(prefixes)
    }
}

/// The prefixes of a path that have routes, longest first.
struct Prefixes<'a> {
    paths: &'a Paths,
    rest: Option<&'a str>,
}

impl<'a> Iterator for Prefixes<'a> {
    type Item = &'a Vec<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.rest?;
        let found = self.paths.prefixes.at(path).ok()?;
        // The next shorter prefix is found from the parent of what this one covers.
        let covered = path.len() - found.params.get("rest").map_or(0, str::len);
        let parent = path[..covered].trim_end_matches('/').rfind('/');
        self.rest = parent.map(|slash| if slash == 0 { "/" } else { &path[..slash] });
        if covered <= 1 {
            self.rest = None;
        }
        Some(&self.paths.lists[*found.value])
    }
}

/// matchit's special characters, taken literally.
fn escape(path: &str) -> String {
    path.replace('{', "{{").replace('}', "}}")
}

fn lower_case<'a>(host: &'a str, buffer: &'a mut [u8; LONGEST_HOST]) -> &'a str {
    if !host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return host;
    }
    let Some(copy) = buffer.get_mut(..host.len()) else {
        return host;
    };
    copy.copy_from_slice(host.as_bytes());
    copy.make_ascii_lowercase();
    std::str::from_utf8(copy).unwrap_or(host)
}
