//! Which of the two commits in a redb file is the newer one.
//!
//! redb keeps the last two commits and one bit that says which counts. If that bit alone is
//! damaged, the commit before the last one looks perfectly good, and what was acknowledged last is
//! silently gone. So whenever the other commit is newer it is tried first: either the bit is
//! damaged, or the process ended before the bit was written, and then nobody was told anything,
//! and the newer commit counts if every page of it is there.

/// Bytes of the file's head that are looked at.
pub(super) const HEAD: usize = 320;

/// Where the bit is.
pub(super) const SWITCH: usize = 9;
const SLOTS: [usize; 2] = [64, 192];
const COMMIT_NUMBER: usize = 104;

/// The byte at [`SWITCH`] that names the newer commit, if the present one does not.
pub(super) fn newer(head: &[u8; HEAD]) -> Option<u8> {
    let primary = usize::from(head[SWITCH] & 1);
    let number = |slot: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&head[SLOTS[slot] + COMMIT_NUMBER..][..8]);
        u64::from_le_bytes(number)
    };
    (number(1 - primary) > number(primary)).then_some(head[SWITCH] ^ 1)
}
