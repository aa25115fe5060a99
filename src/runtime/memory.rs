//! The memory limit: one sum over all linear memories and tables of an instance.

use wasmtime::ResourceLimiter;

/// Bytes of one table element on the host.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// Counts what an instance holds. Growth past the limit is refused as wasm does it
/// (`memory.grow` answers -1); the refusal is remembered, because a guest that then
/// dies died of memory.
pub(crate) struct MemoryLimit {
    limit: usize,
    used: usize,
    refused: bool,
}

impl MemoryLimit {
    pub fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }

    /// Bytes held now; memories never shrink, so this is the peak too.
    pub fn used(&self) -> usize {
        self.used
    }

    /// A growth was refused since the last [`MemoryLimit::forget_refusal`].
    pub fn refused(&self) -> bool {
        self.refused
    }

    pub fn forget_refusal(&mut self) {
        self.refused = false;
    }

    /// So full that the next request may not find room: time for a fresh instance.
    pub fn nearly_full(&self) -> bool {
        self.used > self.limit / 4 * 3
    }

    fn grow(&mut self, growth: usize) -> bool {
        let fits = self
            .used
            .checked_add(growth)
            .is_some_and(|used| used <= self.limit);
        if fits {
            self.used += growth;
        } else {
            self.refused = true;
        }
        fits
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(!beyond(desired, maximum) && self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current);
        Ok(!beyond(desired, maximum) && self.grow(elements.saturating_mul(TABLE_ELEMENT)))
    }
}

/// A growth that fails anyway is not counted. One that is counted stays so, even where the
/// system then has no memory: taking back what a guest can make fail would let it in again.
fn beyond(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_sum() {
        let mut limit = MemoryLimit::new(1_000);
        assert!(limit.memory_growing(0, 600, None).unwrap());
        assert!(limit.table_growing(0, 40, None).unwrap());
        assert!(!limit.memory_growing(0, 100, None).unwrap());
        assert!(limit.refused());
        assert_eq!(limit.used(), 600 + 40 * TABLE_ELEMENT);
    }

    #[test]
    fn a_growth_beyond_the_maximum_is_not_counted() {
        let mut limit = MemoryLimit::new(1_000);
        assert!(!limit.memory_growing(0, 600, Some(500)).unwrap());
        assert!(!limit.refused());
        assert_eq!(limit.used(), 0);
    }
}
