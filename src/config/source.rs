//! The text of the file: its lines, and excerpts of it that show no secret.

use std::fmt;
use std::ops::Range;

/// A text with the offsets of its lines.
pub(super) struct SourceText {
    pub(super) name: String,
    text: String,
    line_starts: Vec<usize>,
}

/// The text may hold secrets.
impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceText({})", self.name)
    }
}

impl SourceText {
    pub fn new(name: String, text: String) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name,
            text,
            line_starts,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// In characters, counted from 1.
    pub fn column(&self, offset: usize) -> usize {
        let start = self.line_starts[self.line(offset) - 1];
        self.text
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1)
    }

    /// The lines that a span touches, as bytes.
    pub fn lines(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.line_starts[self.line(span.start) - 1];
        let last = self.line(span.end.max(span.start));
        let end = self
            .line_starts
            .get(last)
            .copied()
            .unwrap_or(self.text.len());
        start..end
    }

    /// The lines that a span touches without what is hidden, and where in them the span is.
    pub fn excerpt(&self, span: &Range<usize>, hidden: &Hidden) -> (String, Range<usize>) {
        let lines = self.lines(span);
        let before = |end: usize| self.shown(lines.start..end, hidden).len();
        let inside = before(span.start)..before(span.end);
        (self.shown(lines, hidden), inside)
    }

    /// What is hidden takes as many lines as before, so that the others keep their numbers.
    fn shown(&self, part: Range<usize>, hidden: &Hidden) -> String {
        let text = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let mut shown = String::new();
        let mut at = part.start;
        for secret in hidden.within(&part) {
            shown.push_str(text(at..secret.start));
            shown.push('…');
            let breaks = text(secret.clone()).matches('\n').count();
            shown.extend(std::iter::repeat_n('\n', breaks));
            at = secret.end;
        }
        shown.push_str(text(at..part.end));
        shown
    }
}

/// Parts of a text that nobody is shown: in their order, and apart from each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(Vec<Range<usize>>);

impl Hidden {
    pub fn new(mut parts: Vec<Range<usize>>) -> Self {
        parts.sort_by_key(|part| part.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for part in parts {
            match apart.last_mut().filter(|last| part.start <= last.end) {
                Some(last) => last.end = last.end.max(part.end),
                None => apart.push(part),
            }
        }
        Self(apart)
    }

    fn within(&self, part: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let first = self.0.partition_point(|hidden| hidden.end <= part.start);
        let rest = self.0[first..].iter();
        let (start, end) = (part.start, part.end);
        rest.take_while(move |hidden| hidden.start < end)
            .map(move |hidden| hidden.start.max(start)..hidden.end.min(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(span: Range<usize>, hidden: &[Range<usize>]) -> (String, Range<usize>) {
        let source = SourceText::new(String::new(), "a = 'x', b = 2\nc = '''\ny'''\n".into());
        source.excerpt(&span, &Hidden::new(hidden.to_vec()))
    }

    #[test]
    fn an_excerpt_is_the_lines_of_its_span() {
        let (text, inside) = excerpt(9..10, &[]);
        assert_eq!((&*text, inside), ("a = 'x', b = 2\n", 9..10));
    }

    #[test]
    fn what_is_hidden_is_left_out_and_the_span_stays_on_its_words() {
        let (text, inside) = excerpt(9..10, &[4..7, 5..6]);
        assert_eq!((&text[..], &text[inside]), ("a = …, b = 2\n", "b"));
        let (text, inside) = excerpt(4..7, std::slice::from_ref(&(4..7)));
        assert_eq!((&text[..], &text[inside]), ("a = …, b = 2\n", "…"));
        let (text, inside) = excerpt(5..6, std::slice::from_ref(&(4..7)));
        assert_eq!((&text[..], inside), ("a = …, b = 2\n", 7..7));
    }

    #[test]
    fn hidden_lines_are_counted() {
        let (text, inside) = excerpt(15..27, std::slice::from_ref(&(19..27)));
        assert_eq!((&text[..], inside), ("c = …\n\n", 0..8));
    }
}
