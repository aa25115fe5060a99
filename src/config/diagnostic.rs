//! What is wrong with a configuration file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Hidden, SourceText};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be obeyed.
    Error,
    /// It can, but hardly as it was meant.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// The keys that lead there, such as `component.cart.traffic`; empty: the file itself.
    pub path: String,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What to do.
    pub help: Option<String>,
    /// Another place that has to do with it, and what it is.
    pub(super) related: Option<(Range<usize>, &'static str)>,
}

impl Diagnostic {
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn related(&mut self, span: &Range<usize>, label: &'static str) -> &mut Self {
        self.related = Some((span.clone(), label));
        self
    }
}

/// Everything that is wrong with one file, in the order of its lines.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    source: Arc<SourceText>,
    hidden: Hidden,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(source: Arc<SourceText>, mut list: Vec<Diagnostic>, hidden: Hidden) -> Self {
        list.sort_by_key(|diagnostic| diagnostic.span.start);
        Self {
            source,
            hidden,
            list,
        }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Any of them keeps the file from being obeyed.
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// As [`Display`](fmt::Display), with terminal colours.
    pub fn colored(&self) -> String {
        self.render(&Renderer::styled())
    }

    /// `routes.toml:14:9  component.cart.traffic: unknown version "1.5"`, without the excerpt.
    pub fn first_line(&self, diagnostic: &Diagnostic) -> String {
        let offset = diagnostic.span.start;
        let (name, line, column) = (
            &self.source.name,
            self.source.line(offset),
            self.source.column(offset),
        );
        let warning = match diagnostic.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let separator = if diagnostic.path.is_empty() { "" } else { ": " };
        let Diagnostic { path, message, .. } = diagnostic;
        format!("{name}:{line}:{column}  {warning}{path}{separator}{message}")
    }

    fn render(&self, renderer: &Renderer) -> String {
        let each = self
            .iter()
            .map(|diagnostic| renderer.render(&[self.group(diagnostic)]));
        each.collect::<Vec<_>>().join("\n\n")
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.no_name().primary_title(self.first_line(diagnostic));
        let mut group = Group::with_title(title);
        group = group.element(self.excerpt(&diagnostic.span, AnnotationKind::Primary, None));
        if let Some((span, label)) = &diagnostic.related {
            group = group.element(self.excerpt(span, AnnotationKind::Context, Some(label)));
        }
        match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        }
    }

    /// Only the lines in question: a large file costs no more than a small one.
    fn excerpt<'a>(
        &'a self,
        span: &Range<usize>,
        kind: AnnotationKind,
        label: Option<&'a str>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let (lines, inside) = self.source.excerpt(span, &self.hidden);
        Snippet::source(lines)
            .line_start(self.source.line(span.start))
            .annotation(kind.span(inside).label(label))
    }
}

/// Plain text: for each the first line, the excerpt with a caret, and the help.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Diagnostics {}

/// One diagnostic as machines read it.
#[derive(Serialize)]
struct Record<'a> {
    severity: Severity,
    file: &'a str,
    line: usize,
    column: usize,
    path: &'a str,
    message: &'a str,
    help: Option<&'a str>,
}

impl Serialize for Diagnostics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|diagnostic| Record {
            severity: diagnostic.severity,
            file: &self.source.name,
            line: self.source.line(diagnostic.span.start),
            column: self.source.column(diagnostic.span.start),
            path: &diagnostic.path,
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
        }))
    }
}
