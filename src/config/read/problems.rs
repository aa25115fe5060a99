//! Collects what is wrong.

use std::collections::HashSet;

use crate::config::diagnostic::{Diagnostic, Severity, SourceText};

use super::Place;

pub(in crate::config) struct Problems<'a> {
    source: &'a SourceText,
    found: Vec<Diagnostic>,
}

impl<'a> Problems<'a> {
    pub fn new(source: &'a SourceText) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    pub fn error(&mut self, place: &Place, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, place, message.into())
    }

    pub fn warn(&mut self, place: &Place, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, place, message.into())
    }

    fn add(&mut self, severity: Severity, place: &Place, message: String) -> &mut Diagnostic {
        let Place { path, span } = place.clone();
        let (help, related, secret) = (None, None, false);
        let diagnostic = Diagnostic {
            severity,
            message,
            path,
            span,
            help,
            related,
            secret,
        };
        self.found.push_mut(diagnostic)
    }

    /// How many there are, for [`keep_secret`](Self::keep_secret).
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// The lines of all that was found after the first `count` are not to be repeated.
    pub fn keep_secret(&mut self, count: usize) {
        self.found
            .iter_mut()
            .skip(count)
            .for_each(|found| found.secret = true);
    }

    /// The line of a place, counted from 1.
    pub fn line(&self, place: &Place) -> usize {
        self.source.line(place.span.start)
    }

    pub fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|found| found.severity == Severity::Error)
    }

    /// The top-level values with a mistake, such as `route[3]`.
    pub fn faulty_roots(&self) -> HashSet<String> {
        let errors = self
            .found
            .iter()
            .filter(|found| found.severity == Severity::Error);
        let root = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
        errors.map(|found| root(&found.path)).collect()
    }

    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}
