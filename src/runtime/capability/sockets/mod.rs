//! `sockets`: TCP and UDP to granted addresses, and lookups of granted names. Never
//! listening, and never from a local address of the guest's choice.

mod capability;
mod check;
mod lookup;
mod open;

pub(super) use capability::Sockets;
