//! Which rooms a file's paths lead to: `crate::…`, `self::…`, `super::super::…`, and groups.

use crate::tokens::{Kind, Token};

/// A path that was followed from the crate's root.
#[derive(Debug, PartialEq, Eq)]
pub struct Reached {
    pub line: usize,
    /// The first name behind `crate`; `None` for the root itself, as in `use crate::*`.
    pub room: Option<String>,
}

/// Follows every path in `tokens`, which are those of the module `module`.
pub fn reached(tokens: &[Token], module: &[String]) -> Vec<Reached> {
    let mut scan = Scan {
        tokens,
        module: module.to_vec(),
        inline: Vec::new(),
        depth: 0,
        found: Vec::new(),
    };
    let mut at = 0;
    while at < tokens.len() {
        at = scan.step(at);
    }
    scan.found
}

struct Scan<'a> {
    tokens: &'a [Token],
    module: Vec<String>,
    /// The brace depths at which modules within the file end.
    inline: Vec<usize>,
    depth: usize,
    found: Vec<Reached>,
}

impl Scan<'_> {
    fn word(&self, at: usize) -> Option<&str> {
        match &self.tokens.get(at)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_mark(mark))
    }

    fn is_path(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::Path)
    }

    /// Looks at one token, or at a whole path; where to look next.
    fn step(&mut self, at: usize) -> usize {
        let tokens = self.tokens;
        match &tokens[at].kind {
            Kind::Word(word) if word == "mod" && self.is_mark(at + 2, '{') => {
                self.inline.push(self.depth);
                self.depth += 1;
                self.module
                    .push(self.word(at + 1).unwrap_or_default().to_owned());
                return at + 3;
            }
            Kind::Word(word) if word == "use" => return self.follow_use(at + 1),
            Kind::Word(_) if self.is_path(at + 1) && !self.follows_path(at) => {
                return self.follow(at, None);
            }
            Kind::Mark('{') => self.depth += 1,
            Kind::Mark('}') => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                    self.module.pop();
                }
            }
            _ => {}
        }
        at + 1
    }

    fn follows_path(&self, at: usize) -> bool {
        at > 0 && self.is_path(at - 1)
    }

    /// `use` takes more than paths of two names: `use crate as house`, `use {crate::a, b::c}`.
    fn follow_use(&mut self, at: usize) -> usize {
        // `use<'a>` in a bound captures lifetimes.
        if self.is_mark(at, '<') {
            return at;
        }
        self.follow(at, None)
    }

    /// Follows the tree of paths at `at` from `base`; `None` where it begins anew.
    fn follow(&mut self, mut at: usize, mut base: Option<Vec<String>>) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        loop {
            if self.is_mark(at, '{') {
                return self.follow_group(at + 1, base);
            }
            if self.is_mark(at, '*') {
                self.reach(line, base);
                return at + 1;
            }
            let Some(word) = self.word(at) else {
                // A macro's `crate::$room` may lead anywhere.
                if base.is_some() {
                    self.reach(line, None);
                }
                return at;
            };
            base = self.enter(base, word);
            if !self.is_path(at + 1) {
                self.reach(line, base);
                return at + 1;
            }
            at += 2;
            // `Vec::<u8>::new`: what follows is looked at on its own.
            if self.is_mark(at, '<') {
                self.reach(line, base);
                return at;
            }
        }
    }

    fn follow_group(&mut self, mut at: usize, base: Option<Vec<String>>) -> usize {
        while at < self.tokens.len() && !self.is_mark(at, '}') {
            let is_name = self.word(at).is_some_and(|word| word != "as");
            if is_name || self.is_mark(at, '{') || self.is_mark(at, '*') {
                at = self.follow(at, base.clone());
            } else if self.word(at) == Some("as") {
                at += 2;
            } else {
                at += 1;
            }
        }
        at + 1
    }

    /// The place that `word` leads to. Names of other crates, and of what was imported and
    /// looked at already, lead [`ELSEWHERE`].
    fn enter(&self, base: Option<Vec<String>>, word: &str) -> Option<Vec<String>> {
        let mut place = match (base, word) {
            (None, "crate") => return Some(Vec::new()),
            (None, "self") => return Some(self.module.clone()),
            (None, "super") => self.module.clone(),
            // The library, as the binary names it.
            (None, "airgate") => return Some(Vec::new()),
            (None, _) => return Some(vec![ELSEWHERE.to_owned()]),
            (Some(place), "self") => return Some(place),
            (Some(place), _) => place,
        };
        if word == "super" {
            place.pop();
        } else {
            place.push(word.to_owned());
        }
        Some(place)
    }

    fn reach(&mut self, line: usize, place: Option<Vec<String>>) {
        let room = place.unwrap_or_default().into_iter().next();
        if room.as_deref() != Some(ELSEWHERE) {
            self.found.push(Reached { line, room });
        }
    }
}

/// No name of a room.
const ELSEWHERE: &str = "::";
