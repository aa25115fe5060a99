//! `files`: directories of the host's, read-only or read-write. wasmtime resolves every
//! path beneath them (openat2 with RESOLVE_BENEATH); here each refusal is reported.

mod capability;
mod heard;
mod p2;
mod p3;

pub(super) use capability::Files;

use heard::{Refusal, heard};
