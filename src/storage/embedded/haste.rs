//! Reads where requests are answered: a thread that serves others too may stop for a moment, and
//! no longer. What is read of the file, and what of a value is verified and copied, is counted
//! together; whoever comes to more than 64 KiB stops, and reads on a thread that has time.
//!
//! What remains is a few pages of 4 KiB that are not in the cache, each a read of the disk: to
//! hand all reads over because one might miss would cost each several times what it takes.

use std::cell::Cell;
use std::panic::resume_unwind;

use super::fault::Fault;

/// Bytes of one read.
const BYTES: usize = 64 << 10;

thread_local! {
    /// What may still be read here. `None`: this thread has time.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What redb is stopped with in the middle of a read: an error of the file would end it for all.
pub(super) struct Stopped;

struct Haste;

impl Drop for Haste {
    fn drop(&mut self) {
        LEFT.set(None);
    }
}

/// Reads here and now. What is too much for that ends in [`Fault::Large`].
pub(super) fn hastily<T>(read: impl FnOnce() -> T) -> T {
    LEFT.set(Some(BYTES));
    let _haste = Haste;
    read()
}

/// So many bytes are about to be gone through.
///
/// # Errors
/// They are too many for this thread.
pub(super) fn spend(bytes: usize) -> Result<(), Fault> {
    let Some(left) = LEFT.get() else {
        return Ok(());
    };
    let left = left.checked_sub(bytes).ok_or(Fault::Large)?;
    LEFT.set(Some(left));
    Ok(())
}

/// As [`spend`], for so many bytes of the file, below redb: it holds no lock there and has
/// changed nothing, and is left by the way of a panic, which nobody is told of.
pub(super) fn spend_in_redb(bytes: usize) {
    if spend(bytes).is_err() {
        resume_unwind(Box::new(Stopped));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::contain;
    use super::*;

    #[test]
    fn what_is_read_in_haste_is_bounded_all_together() {
        let read = |parts: &[usize]| hastily(|| parts.iter().try_for_each(|part| spend(*part)));
        assert_eq!(read(&[BYTES]), Ok(()));
        assert_eq!(read(&[BYTES - 1, 1, 1]), Err(Fault::Large));
        assert_eq!(read(&[usize::MAX]), Err(Fault::Large));
        assert_eq!(spend(usize::MAX), Ok(()), "nobody is in haste any more");
    }

    #[test]
    fn redb_is_stopped_and_nothing_is_taken_for_damage() {
        let stopped = hastily(|| {
            contain(|| -> Result<(), Fault> {
                spend_in_redb(BYTES + 1);
                Ok(())
            })
        });
        assert_eq!(stopped, Err(Fault::Large));
        spend_in_redb(BYTES + 1);
    }
}
