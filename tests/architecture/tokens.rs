//! As much of Rust's lexical grammar as it takes to tell code from comments and strings.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word(String),
    /// A string literal of any sort, as written between its quotes.
    Text(String),
    /// One punctuation character; `::` is [`Kind::Path`].
    Mark(char),
    Path,
    /// Numbers, characters and lifetimes: nothing that a rule looks at.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// Counted from 1.
    pub line: usize,
}

impl Token {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(name) if name == word)
    }

    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// The tokens of a source file, without comments and white space.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
    };
    std::iter::from_fn(|| lexer.next()).collect()
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let line = self.line;
        let first = self.rest.chars().next()?;
        let kind = if let Some(hashes) = self.raw_string() {
            self.take_until(&format!("\"{}", "#".repeat(hashes)))
        } else if let Some(prefix) = ["b\"", "c\"", "\""]
            .into_iter()
            .find(|prefix| self.rest.starts_with(prefix))
        {
            self.take(prefix.len());
            Kind::Text(self.quoted('"').to_owned())
        } else if first == '\'' || self.rest.starts_with("b'") {
            self.take(if first == 'b' { 2 } else { 1 });
            self.character_or_lifetime()
        } else if first.is_alphabetic() || first == '_' {
            self.take(if self.rest.starts_with("r#") { 2 } else { 0 });
            Kind::Word(self.take_while(is_word_character).to_owned())
        } else if first.is_ascii_digit() {
            self.take_while(is_word_character);
            Kind::Other
        } else if self.rest.starts_with("::") {
            self.take(2);
            Kind::Path
        } else {
            self.take(first.len_utf8());
            Kind::Mark(first)
        };
        Some(Token { kind, line })
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                self.skip_block_comment();
            } else {
                return;
            }
        }
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        loop {
            let mark = ["/*", "*/"].map(|mark| self.rest.find(mark).unwrap_or(usize::MAX));
            let at = mark[0].min(mark[1]);
            if at == usize::MAX {
                self.take(self.rest.len());
                return;
            }
            depth += if mark[0] < mark[1] { 1 } else { -1 };
            self.take(at + 2);
            if depth == 0 {
                return;
            }
        }
    }

    /// Takes `r#"`, `br"` and the like; the number of hashes.
    fn raw_string(&mut self) -> Option<usize> {
        let after = ["br", "cr", "r"]
            .iter()
            .find_map(|prefix| self.rest.strip_prefix(prefix))?;
        let quoted = after.trim_start_matches('#');
        let hashes = after.len() - quoted.len();
        let opened = quoted.strip_prefix('"')?;
        self.take(self.rest.len() - opened.len());
        Some(hashes)
    }

    fn take_until(&mut self, end: &str) -> Kind {
        let at = self.rest.find(end).unwrap_or(self.rest.len());
        let text = self.take(at).to_owned();
        self.take(end.len().min(self.rest.len()));
        Kind::Text(text)
    }

    /// Takes what is quoted and its closing quote.
    fn quoted(&mut self, quote: char) -> &'a str {
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let text = self.take(end.unwrap_or(self.rest.len()));
        self.take(usize::from(end.is_some()));
        text
    }

    fn character_or_lifetime(&mut self) -> Kind {
        let mut characters = self.rest.chars();
        let (first, second) = (characters.next(), characters.next());
        if first == Some('\\') || second == Some('\'') {
            self.quoted('\'');
        } else {
            self.take_while(is_word_character);
        }
        Kind::Other
    }
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        let word = |token: Token| match token.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        };
        tokens(source).into_iter().filter_map(word).collect()
    }

    #[test]
    fn comments_and_strings_hide_what_is_in_them() {
        let source = "a /* b /* c */ d */ e // f\n\"g\\\"h\" r#\"i \"j\"# b'k' 'l' l::<'m> '\\'' n";
        assert_eq!(words(source), ["a", "e", "l", "n"]);
    }

    #[test]
    fn strings_are_kept_as_text_and_lines_are_counted() {
        let found = tokens("x\n\"two\nlines\"\ny");
        assert_eq!(found[1].kind, Kind::Text("two\nlines".into()));
        assert_eq!((found[1].line, found[2].line), (2, 4));
    }
}
