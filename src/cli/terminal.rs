//! What goes to a terminal: text that it cannot obey, and colour where it is wanted.

use std::io::IsTerminal;

/// `text` on one line, without control, format and other invisible characters: what comes from
/// a server must not move a cursor or turn a line around.
pub(super) fn plain(text: &str) -> String {
    let visible = text
        .chars()
        .map(|it| if it.is_whitespace() { ' ' } else { it });
    visible.filter(|it| is_visible(*it)).collect()
}

/// As [`plain`], but lines stay lines.
pub(super) fn plain_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(plain).collect();
    lines.join("\n")
}

fn is_visible(character: char) -> bool {
    matches!(character, ' '..='~') || character.escape_debug().eq([character])
}

/// Whether colour is wanted on a stream.
pub(super) fn is_coloured(stream: &impl IsTerminal) -> bool {
    #[allow(
        clippy::disallowed_methods,
        reason = "the terminal's setting: https://no-color.org"
    )]
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && stream.is_terminal()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Bold,
    Green,
    Yellow,
    Red,
}

impl Paint {
    /// ECMA-48 §8.3.117.
    pub fn on(self, text: &str) -> String {
        let code = match self {
            Self::Bold => 1,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_taken_out() {
        let text = "a\u{1b}[31m\u{7}b\u{7f}\u{9b}2J\u{202e}\u{200b}\u{feff}c";
        assert_eq!(plain(text), "a[31mb2Jc");
        assert_eq!(plain("a\r\n\tb\u{2028}c"), "a   b c");
        assert_eq!(plain("grün \"1\" \\ 'x' 日本"), "grün \"1\" \\ 'x' 日本");
    }

    #[test]
    fn lines_stay_where_they_are_meant() {
        assert_eq!(plain_lines("a\r\nb\u{1b}c\n"), "a\nbc");
    }
}
