//! Lists through numbered places: anything can be taken out of the middle at once, and
//! nothing is allocated for what comes and goes.

const NOBODY: u32 = u32::MAX;

/// Who stands before and behind each place in one kind of list. A place is in one list of
/// the kind at a time.
#[derive(Default)]
pub struct Links(Vec<Link>);

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

const ALONE: Link = Link {
    before: NOBODY,
    after: NOBODY,
};

impl Links {
    /// Gives memory back; nothing may be in a list.
    pub fn shrink(&mut self) {
        const KEPT: usize = 1024;
        if self.0.len() > KEPT {
            self.0 = Vec::new();
        }
    }

    fn of(&self, place: u32) -> Link {
        self.0.get(place as usize).copied().unwrap_or(ALONE)
    }

    fn edit(&mut self, place: u32, edit: impl FnOnce(&mut Link)) {
        let at = place as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, ALONE);
        }
        if let Some(link) = self.0.get_mut(at) {
            edit(link);
        }
    }
}

/// The ends of a list.
#[derive(Clone, Copy)]
pub struct Chain {
    first: u32,
    last: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            first: NOBODY,
            last: NOBODY,
        }
    }
}

impl Chain {
    pub fn is_empty(&self) -> bool {
        self.first == NOBODY
    }

    pub fn first(&self) -> Option<u32> {
        (!self.is_empty()).then_some(self.first)
    }

    pub fn push_back(&mut self, links: &mut Links, place: u32) {
        let last = self.last;
        links.edit(place, |link| {
            *link = Link {
                before: last,
                after: NOBODY,
            }
        });
        match last {
            NOBODY => self.first = place,
            last => links.edit(last, |link| link.after = place),
        }
        self.last = place;
    }

    pub fn push_front(&mut self, links: &mut Links, place: u32) {
        let first = self.first;
        links.edit(place, |link| {
            *link = Link {
                before: NOBODY,
                after: first,
            }
        });
        match first {
            NOBODY => self.last = place,
            first => links.edit(first, |link| link.before = place),
        }
        self.first = place;
    }

    /// The place must be in this list.
    pub fn remove(&mut self, links: &mut Links, place: u32) {
        let Link { before, after } = links.of(place);
        match before {
            NOBODY => self.first = after,
            before => links.edit(before, |link| link.after = after),
        }
        match after {
            NOBODY => self.last = before,
            after => links.edit(after, |link| link.before = before),
        }
    }

    pub fn pop_front(&mut self, links: &mut Links) -> Option<u32> {
        let first = self.first()?;
        self.remove(links, first);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_leave_from_anywhere_and_the_others_keep_their_order() {
        let (mut links, mut chain) = (Links::default(), Chain::default());
        for place in 1..=5 {
            chain.push_back(&mut links, place);
        }
        chain.push_front(&mut links, 0);
        for gone in [3, 0, 5] {
            chain.remove(&mut links, gone);
        }
        chain.push_back(&mut links, 3);
        let left: Vec<_> = std::iter::from_fn(|| chain.pop_front(&mut links)).collect();
        assert_eq!(left, [1, 2, 4, 3]);
        assert!(chain.is_empty());
    }
}
