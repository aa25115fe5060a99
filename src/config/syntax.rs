//! Where the file is no TOML: told without repeating what may be a secret.

use std::ops::Range;

use toml::de::Error;

use super::diagnostic::Diagnostic;
use super::read::{Place, Problems};

/// Whether the table is worth reading. After an error of syntax it is not; after a double key it is.
pub(super) fn report(text: &str, errors: &[Error], problems: &mut Problems<'_>) -> bool {
    let is_double = |error: &&Error| error.message() == "duplicate key";
    let broken = errors.iter().find(|error| !is_double(error));
    for error in errors.iter().filter(is_double).chain(broken) {
        let span = error.span().unwrap_or_default();
        refuse(text, span, error.message(), problems);
    }
    if broken.is_none() {
        refuse_cut_off(text, problems);
    }
    broken.is_none()
}

/// A file that is read while it is being written may end in the middle of a line, and
/// `max_requests = 1` may have been about to become `1_000`. What ends in a bracket, a quote or a
/// word is whole.
fn refuse_cut_off(text: &str, problems: &mut Problems<'_>) {
    let last = text.rsplit('\n').next().unwrap_or_default().trim();
    let is_whole = |end: &&str| last.ends_with(end) && !last.contains('#');
    if last.is_empty() || ["\"", "'", "]", "}", "true", "false"].iter().any(is_whole) {
        return;
    }
    let end = text.trim_end().len();
    let span = end - last.len()..end;
    let message = "the file ends in the middle of a line";
    refuse(text, span, message, problems).help(
        "it may have been cut off while it was being written; end the last line with a newline",
    );
}

fn refuse<'a>(
    text: &str,
    span: Range<usize>,
    message: &str,
    problems: &'a mut Problems<'_>,
) -> &'a mut Diagnostic {
    if is_near_a_secret(text, &span) {
        problems.hide_lines(&span);
    }
    let path = String::new();
    problems.error(&Place { path, span }, message)
}

/// Where the text cannot be read, only the words before tell whether there may be a secret in it:
/// those from the last header on.
fn is_near_a_secret(text: &str, span: &Range<usize>) -> bool {
    const WORDS: [&str; 6] = ["token", "trusted", "capab", "environ", "config", "custom"];
    /// Looking farther back would take minutes with many mistakes in a large file.
    const FARTHEST: usize = 4 << 10;
    let span = text.floor_char_boundary(span.start)..text.floor_char_boundary(span.end);
    let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n');
    let end = end.map_or(text.len(), |at| span.end + at);
    if is_header(&text[line..end]) {
        return false;
    }
    let farthest = text.floor_char_boundary(line.saturating_sub(FARTHEST));
    let header = last_header(&text[farthest..line]).map(|at| farthest + at);
    match header {
        // In a table so long nobody knows.
        None if farthest > 0 => true,
        header => {
            let near = &text[header.unwrap_or(0)..end];
            WORDS.iter().any(|word| near.contains(word))
        }
    }
}

/// And nothing else: a line with a value may begin with a bracket by mistake.
fn is_header(lines: &str) -> bool {
    lines.trim_start().starts_with('[') && !lines.contains(['=', '"', '\'', '\n'])
}

fn last_header(text: &str) -> Option<usize> {
    let begins_its_line = |at: &usize| {
        let before = text[..*at].rsplit('\n').next();
        before.is_some_and(|before| before.trim().is_empty())
    };
    let mut brackets = text.rmatch_indices('[').map(|(at, _)| at);
    brackets.find(begins_its_line)
}
