//! Topics and the patterns that choose among them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a topic or a pattern.
const LENGTH: usize = 255;
/// Tokens of a topic or a pattern.
const TOKENS: usize = 16;

/// Why a text is no topic, or no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error("a topic must not be empty")]
    Empty,
    #[error("a topic is at most {LENGTH} bytes long, this one has {0}")]
    TooLong(usize),
    #[error("a topic has at most {TOKENS} tokens, this one has {0}")]
    TooManyTokens(usize),
    #[error("a token between two dots is empty")]
    EmptyToken,
    #[error(
        "{0:?} is not allowed in a topic: use letters, digits, `-`, `_`, `:`, `/`, `@`, `+`, `=` and, between tokens, `.`"
    )]
    Character(char),
    #[error("`{0}` is a wildcard: a message is sent to one topic")]
    Wildcard(char),
    #[error("`>` stands for the rest, so it must be the last token")]
    RestNotLast,
    #[error("`*` and `>` stand for whole tokens: `{0}`")]
    PartOfToken(String),
    #[error("topics that begin with `_` are the gateway's own")]
    Reserved,
    #[error("a group's name has 1 to 63 letters, digits, `-`, `_` and `.`")]
    Group,
}

/// Where a message is sent: tokens joined by dots, such as `orders.created`. 1 to 255 bytes,
/// at most 16 tokens, as a subject of NATS without wildcards.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One of the gateway's own, such as the address of a reply: the first token begins with
    /// `_`. Nobody else can make one by parsing a text.
    ///
    /// # Errors
    /// It is no topic.
    pub fn internal(text: &str) -> Result<Self, TopicError> {
        check(text, false)?;
        Ok(Self(text.into()))
    }

    pub fn is_internal(&self) -> bool {
        self.0.starts_with('_')
    }

    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl FromStr for Topic {
    type Err = TopicError;
    fn from_str(text: &str) -> Result<Self, TopicError> {
        let topic = Self::internal(text)?;
        match topic.is_internal() {
            true => Err(TopicError::Reserved),
            false => Ok(topic),
        }
    }
}

/// Which topics: `*` stands for one token, `>` at the end for one token or more.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPattern(Arc<str>);

impl TopicPattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether the topic is one of those.
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut tokens = topic.tokens();
        for wanted in self.tokens() {
            match (wanted, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether every topic of `other` is one of those.
    pub fn covers(&self, other: &Self) -> bool {
        let mut tokens = other.tokens();
        for wanted in self.tokens() {
            match (wanted, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(token)) if token != ">" => {}
                (wanted, Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

impl FromStr for TopicPattern {
    type Err = TopicError;
    fn from_str(text: &str) -> Result<Self, TopicError> {
        check(text, true)?;
        match text.starts_with('_') {
            true => Err(TopicError::Reserved),
            false => Ok(Self(text.into())),
        }
    }
}

fn check(text: &str, wildcards: bool) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > LENGTH {
        return Err(TopicError::TooLong(text.len()));
    }
    let tokens = text.split('.').count();
    if tokens > TOKENS {
        return Err(TopicError::TooManyTokens(tokens));
    }
    let mut rest = false;
    for token in text.split('.') {
        if rest {
            return Err(TopicError::RestNotLast);
        }
        rest = check_token(token, wildcards)?;
    }
    Ok(())
}

/// Answers whether it stands for the rest.
fn check_token(token: &str, wildcards: bool) -> Result<bool, TopicError> {
    match token {
        "" => return Err(TopicError::EmptyToken),
        "*" if wildcards => return Ok(false),
        ">" if wildcards => return Ok(true),
        _ => {}
    }
    let is_wildcard = |c: &char| matches!(c, '*' | '>');
    if let Some(wildcard) = token.chars().find(is_wildcard) {
        return Err(match wildcards {
            true => TopicError::PartOfToken(token.to_owned()),
            false => TopicError::Wildcard(wildcard),
        });
    }
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | '@' | '+' | '=');
    match token.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(TopicError::Character(c)),
        None => Ok(false),
    }
}

/// Whose members share the messages of a topic.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(Arc<str>);

impl GroupName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = TopicError;
    fn from_str(text: &str) -> Result<Self, TopicError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (1..=63).contains(&text.len()) && text.chars().all(allowed) {
            true => Ok(Self(text.into())),
            false => Err(TopicError::Group),
        }
    }
}

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

shown_as_text!(Topic, TopicPattern, GroupName);

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TopicPattern {
        text.parse().unwrap()
    }

    #[test]
    fn wildcards_stand_for_tokens() {
        let topic: Topic = "orders.eu.created".parse().unwrap();
        for yes in [
            "orders.eu.created",
            "orders.*.created",
            "orders.>",
            "*.*.*",
            ">",
        ] {
            assert!(pattern(yes).matches(&topic), "{yes}");
        }
        for no in [
            "orders",
            "orders.eu",
            "orders.*",
            "orders.eu.created.>",
            "*.*.*.*",
            "eu.>",
        ] {
            assert!(!pattern(no).matches(&topic), "{no}");
        }
    }

    #[test]
    fn a_pattern_covers_what_is_narrower() {
        for (wide, narrow) in [
            ("orders.*", "orders.created"),
            (">", "a.>"),
            ("a.>", "a.*.b"),
            ("a.*", "a.*"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [("a.*", "a.>"), ("a", ">"), ("a.*", "*.a"), ("a.>", "a")] {
            assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn what_is_no_topic_says_why() {
        let long = "a".repeat(256);
        let deep = ["a"; 17].join(".");
        for (text, error) in [
            ("", TopicError::Empty),
            (&*long, TopicError::TooLong(256)),
            (&*deep, TopicError::TooManyTokens(17)),
            ("a..b", TopicError::EmptyToken),
            (".a", TopicError::EmptyToken),
            ("a b", TopicError::Character(' ')),
            ("a.\n", TopicError::Character('\n')),
            ("ä", TopicError::Character('ä')),
            ("a.*", TopicError::Wildcard('*')),
            ("a.>", TopicError::Wildcard('>')),
            ("_INBOX.1", TopicError::Reserved),
        ] {
            assert_eq!(text.parse::<Topic>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, error) in [
            ("a.>.b", TopicError::RestNotLast),
            ("a.b*", TopicError::PartOfToken("b*".into())),
            ("_x", TopicError::Reserved),
        ] {
            assert_eq!(text.parse::<TopicPattern>().unwrap_err(), error, "{text}");
        }
    }
}
