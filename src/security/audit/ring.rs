//! The newest events in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Event;

pub(super) struct Ring {
    events: VecDeque<Arc<Event>>,
    largest: usize,
}

impl Ring {
    pub fn new(largest: usize) -> Self {
        Self {
            events: VecDeque::new(),
            largest,
        }
    }

    /// The oldest one makes room.
    pub fn push(&mut self, event: Arc<Event>) {
        if self.events.len() >= self.largest {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::audit::Kind;

    #[test]
    fn only_the_newest_are_kept() {
        let mut ring = Ring::new(3);
        for number in 0..10 {
            ring.push(Event::new(Kind::Deployed).target(number).into());
        }
        let targets: Vec<_> = ring.newest_first().map(|event| &event.target).collect();
        assert_eq!(targets, ["9", "8", "7"]);
    }
}
