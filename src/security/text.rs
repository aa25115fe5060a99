//! What guests and clients wrote, made fit for a log line: bounded, and nothing in it that
//! a terminal obeys.

use std::fmt::{self, Display, Write};

const CUT: char = '…';

/// `text` in at most `limit` bytes. Control, format and other invisible characters are escaped.
pub(crate) fn bounded(text: impl Display, limit: usize) -> String {
    let mut line = Line {
        text: String::new(),
        limit,
    };
    // An error means that it is full: the rest need not be made at all.
    if write!(line, "{text}").is_err() {
        line.cut();
    }
    line.text
}

struct Line {
    text: String,
    limit: usize,
}

impl Line {
    fn push(&mut self, character: char) -> fmt::Result {
        if self.text.len() + character.len_utf8() > self.limit {
            return Err(fmt::Error);
        }
        self.text.push(character);
        Ok(())
    }

    fn cut(&mut self) {
        while self.text.len() + CUT.len_utf8() > self.limit && self.text.pop().is_some() {}
        let _ = self.push(CUT);
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            ' '..='~' => self.push(character),
            _ => character
                .escape_debug()
                .try_for_each(|escaped| self.push(escaped)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(bounded(r#"a "b" \ 'c' ü"#, 100), r#"a "b" \ 'c' ü"#);
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let text = bounded("a\nb\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{200b}", 100);
        assert_eq!(text, r"a\nb\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{200b}");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(bounded("x".repeat(10), 10), "x".repeat(10));
        assert_eq!(bounded("x".repeat(11), 10), "xxxxxxx…");
        assert_eq!(bounded("ü".repeat(11), 10), "üüü…");
        assert_eq!(bounded("long", 2), "");
    }

    #[test]
    fn an_endless_text_ends() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("again ")?;
                }
            }
        }
        assert_eq!(bounded(Endless, 64).len(), 64);
    }
}
