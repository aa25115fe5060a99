//! Which subscriptions a topic has: patterns as a tree of tokens.
//!
//! A tree never changes: one with a pattern more or less shares all but the way there, so
//! that who looks up takes no lock. A look-up visits each node at most once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::{Topic, TopicPattern};

/// What stands at the patterns.
#[derive(Clone)]
pub struct Tree<T> {
    root: Arc<Node<T>>,
}

#[derive(Clone)]
struct Node<T> {
    /// Patterns that end here.
    here: Vec<T>,
    /// Patterns that go on with `>`.
    rest: Vec<T>,
    /// The next token is `*`.
    any: Option<Arc<Node<T>>>,
    named: HashMap<Arc<str>, Arc<Node<T>>>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            here: Vec::new(),
            rest: Vec::new(),
            any: None,
            named: HashMap::new(),
        }
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            root: Arc::default(),
        }
    }
}

impl<T: Clone> Tree<T> {
    #[must_use]
    pub fn with(&self, pattern: &TopicPattern, value: T) -> Self {
        let tokens: Vec<&str> = pattern.tokens().collect();
        let root = self
            .root
            .edited(&tokens, &mut |values| values.push(value.clone()));
        Self {
            root: Arc::new(root),
        }
    }

    /// Without those values at the pattern that are meant.
    #[must_use]
    pub fn without(&self, pattern: &TopicPattern, is_meant: impl Fn(&T) -> bool) -> Self {
        let tokens: Vec<&str> = pattern.tokens().collect();
        let root = self.root.edited(&tokens, &mut |values| {
            values.retain(|value| !is_meant(value))
        });
        Self {
            root: Arc::new(root),
        }
    }

    /// Calls `found` with each value whose pattern matches.
    pub fn find<'a>(&'a self, topic: &Topic, found: &mut impl FnMut(&'a T)) {
        let tokens: Vec<&str> = topic.tokens().collect();
        self.root.find(&tokens, found);
    }
}

impl<T: Clone> Node<T> {
    fn edited(&self, tokens: &[&str], edit: &mut dyn FnMut(&mut Vec<T>)) -> Self {
        let mut node = self.clone();
        match tokens {
            [] => edit(&mut node.here),
            [">"] => edit(&mut node.rest),
            ["*", behind @ ..] => {
                let below = node.any.take().unwrap_or_default();
                node.any = below.edited(behind, edit).kept();
            }
            [token, behind @ ..] => {
                let below = node.named.remove(*token).unwrap_or_default();
                if let Some(below) = below.edited(behind, edit).kept() {
                    node.named.insert((*token).into(), below);
                }
            }
        }
        node
    }

    /// Nothing, where nothing stands.
    fn kept(self) -> Option<Arc<Self>> {
        let is_empty = self.here.is_empty()
            && self.rest.is_empty()
            && self.any.is_none()
            && self.named.is_empty();
        (!is_empty).then(|| Arc::new(self))
    }

    /// As deep as a topic has tokens.
    fn find<'a>(&'a self, tokens: &[&str], found: &mut impl FnMut(&'a T)) {
        let [token, behind @ ..] = tokens else {
            return self.here.iter().for_each(found);
        };
        self.rest.iter().for_each(&mut *found);
        if let Some(any) = &self.any {
            any.find(behind, found);
        }
        if let Some(named) = self.named.get(*token) {
            named.find(behind, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(tree: &Tree<usize>, topic: &Topic) -> Vec<usize> {
        let mut found = Vec::new();
        tree.find(topic, &mut |value| found.push(*value));
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn a_tree_finds_what_the_patterns_match(
            patterns in prop::collection::vec("([ab*]\\.){0,3}[ab*>]", 1..20),
            topics in prop::collection::vec("([abc]\\.){0,4}[abc]", 20),
            gone in prop::collection::vec(any::<bool>(), 20),
        ) {
            let patterns: Vec<TopicPattern> = patterns.iter().map(|it| it.parse().unwrap()).collect();
            let numbered = patterns.iter().enumerate();
            let mut tree = numbered.clone().fold(Tree::default(), |tree, (number, pattern)| tree.with(pattern, number));
            for (number, pattern) in numbered.clone().filter(|(number, _)| gone[*number]) {
                tree = tree.without(pattern, |value| *value == number);
            }
            for topic in topics {
                let topic: Topic = topic.parse().unwrap();
                let matching = numbered.clone().filter(|(number, it)| !gone[*number] && it.matches(&topic));
                prop_assert_eq!(found(&tree, &topic), matching.map(|(number, _)| number).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_tree_without_patterns_has_no_nodes() {
        let pattern: TopicPattern = "a.*.b.>".parse().unwrap();
        let tree = Tree::default()
            .with(&pattern, 1)
            .without(&pattern, |_| true);
        assert!(tree.root.named.is_empty());
    }
}
