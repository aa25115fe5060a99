//! Metric handles that are made when their labels are first seen.

use std::sync::OnceLock;

/// A list that only grows, so that reading it takes no lock. Its length is bounded by the
/// closed sets that its labels come from.
pub(super) struct SeriesList<T> {
    first: OnceLock<Box<Node<T>>>,
}

struct Node<T> {
    key: u32,
    series: T,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> SeriesList<T> {
    pub const fn new() -> Self {
        Self {
            first: OnceLock::new(),
        }
    }

    /// The series of these labels, by the number that stands for them.
    pub fn get(&self, key: u32, make: impl Fn() -> T) -> &T {
        let mut cell = &self.first;
        loop {
            let node = cell.get_or_init(|| {
                Box::new(Node {
                    key,
                    series: make(),
                    next: OnceLock::new(),
                })
            });
            if node.key == key {
                return &node.series;
            }
            cell = &node.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_series() {
        let list = SeriesList::new();
        let first: *const u32 = list.get(7, || 70);
        assert_eq!(*list.get(8, || 80), 80);
        assert!(std::ptr::eq(list.get(7, || 71), first));
    }
}
