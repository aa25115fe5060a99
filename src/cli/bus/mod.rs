//! `airgate bus`: how it stands, to send over it, to listen, and what was given up.

mod letters;
mod listen;
mod send;
mod status;
mod verb;

pub(super) use verb::Bus;
