//! Numbered places that are used again.

/// As many places as were ever used at once, until it is empty.
pub struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Places that an empty one keeps.
    const KEPT: usize = 1024;

    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(free) = self.places.get_mut(place as usize)
        {
            *free = Some(value);
            return place;
        }
        self.places.push(Some(value));
        // What is put here is bounded by numbers of 32 bits.
        (self.places.len() - 1) as u32
    }

    pub fn get(&self, place: u32) -> Option<&T> {
        self.places.get(place as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    pub fn remove(&mut self, place: u32) -> Option<T> {
        let value = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        if self.free.len() == self.places.len() && self.places.len() > Self::KEPT {
            *self = Self::default();
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_given_back_in_the_end() {
        let mut slab = Slab::default();
        let places: Vec<u32> = (0..5_000).map(|value| slab.insert(value)).collect();
        assert_eq!(slab.remove(7), Some(7));
        assert_eq!(slab.remove(7), None);
        assert_eq!(slab.insert(70), 7);
        assert_eq!(slab.get(7), Some(&70));
        for place in places {
            slab.remove(place);
        }
        assert_eq!(slab.places.capacity(), 0);
    }
}
