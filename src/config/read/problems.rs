//! Collects what is wrong.

use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::SourceText;

use super::{Node, Place};

pub(in crate::config) struct Problems<'a> {
    source: &'a SourceText,
    found: Vec<Diagnostic>,
    /// Bytes of the text that no excerpt shows.
    hidden: Vec<Range<usize>>,
}

impl<'a> Problems<'a> {
    pub fn new(source: &'a SourceText) -> Self {
        Self {
            source,
            found: Vec::new(),
            hidden: Vec::new(),
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
        let (help, related) = (None, None);
        let diagnostic = Diagnostic {
            severity,
            message,
            path,
            span,
            help,
            related,
        };
        self.found.push_mut(diagnostic)
    }

    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// What stands there may be a secret: no excerpt shows it, whatever it is about.
    pub fn hide(&mut self, span: Range<usize>) {
        self.hidden.push(span);
    }

    /// Hides whole lines: those that the span touches.
    pub fn hide_lines(&mut self, span: &Range<usize>) {
        self.hide(self.source.lines(span));
    }

    /// Hides every value in this one, but leaves the keys that lead there.
    pub fn hide_values(&mut self, node: &Node<'_>) {
        self.hide_in(node.value, &node.place.span);
    }

    fn hide_in(&mut self, value: &DeValue<'_>, span: &Range<usize>) {
        let mut each = |inner: &Spanned<DeValue<'_>>| self.hide_in(inner.get_ref(), &inner.span());
        match value {
            DeValue::Table(table) => table.values().for_each(&mut each),
            DeValue::Array(array) => array.iter().for_each(&mut each),
            _ => self.hide(span.clone()),
        }
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

    /// What was found, and what no excerpt of it may show.
    pub fn into_parts(self) -> (Vec<Diagnostic>, Vec<Range<usize>>) {
        (self.found, self.hidden)
    }
}
