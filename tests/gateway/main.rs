//! The gateway through its real boundaries: sockets, the built binary, real components.

mod support;

mod serving;
