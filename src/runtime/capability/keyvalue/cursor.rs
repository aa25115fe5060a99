//! Cursors of the first draft, which are numbers: the hash of the last key that was handed
//! out. Any instance, and any node, finds the key again by looking for it; the one that gave
//! the number out mostly still knows, even if the key is gone by then.

use std::collections::VecDeque;

use super::visit::KEYS;
use super::{Refusal, Visit};
use crate::core::{Key, stable_hash};

/// What one instance remembers: at most 16 KiB.
const KNOWN: usize = 16;

/// The last keys of the last pages that an instance was given, whatever their store.
#[derive(Default)]
pub(crate) struct Cursors(VecDeque<(u64, Key)>);

impl Cursors {
    /// The cursor for what comes after this key.
    pub(super) fn after(&mut self, key: &Key) -> u64 {
        let cursor = of(key);
        self.0.retain(|(known, _)| *known != cursor);
        if self.0.len() == KNOWN {
            self.0.pop_front();
        }
        self.0.push_back((cursor, key.clone()));
        cursor
    }

    pub(super) fn find(&self, cursor: u64) -> Option<Key> {
        let mut newest_first = self.0.iter().rev();
        let found = newest_first.find(|(known, _)| *known == cursor);
        found.map(|(_, key)| key.clone())
    }
}

fn of(key: &Key) -> u64 {
    stable_hash(key.as_str().as_bytes())
}

/// Looks through all keys for the one behind a cursor. The request's deadline can end it.
///
/// # Errors
/// There is none, or the store fails.
pub(super) async fn search(visit: &Visit, cursor: u64) -> Result<Key, Refusal> {
    let mut after: Option<Key> = None;
    loop {
        let last = after.as_ref().map(Key::as_str);
        let page = visit.keys("", last, KEYS).await?;
        if let Some(key) = page.keys.iter().find(|key| of(key) == cursor) {
            return Ok(key.clone());
        }
        match page.keys.into_iter().next_back().filter(|_| page.more) {
            Some(key) => after = Some(key),
            None => return Err(Refusal::Cursor),
        }
        // A store in memory never waits, and others want to go on.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_last_cursors_are_remembered() {
        let mut cursors = Cursors::default();
        let all: Vec<_> = (0..100)
            .map(|n| cursors.after(&key(&n.to_string())))
            .collect();
        assert_eq!(cursors.0.len(), KNOWN);
        assert_eq!(cursors.find(all[99]), Some(key("99")));
        assert_eq!(cursors.find(all[0]), None);
    }

    #[test]
    fn one_cursor_is_remembered_once() {
        let mut cursors = Cursors::default();
        let first = cursors.after(&key("a"));
        assert_eq!(cursors.after(&key("a")), first);
        assert_eq!(cursors.0.len(), 1);
    }
}
