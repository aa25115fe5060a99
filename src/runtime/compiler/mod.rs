//! From the bytes of a component to native code, where a component that is made to be
//! expensive harms nobody.
//!
//! ```text
//! workshop   few at once, within the operator's bounds
//!  └ child     starts our own program, feeds it, waits with an end   ┊ this process
//!     └ worker   limits itself, compiles, writes the code            ┊ the child
//! ```

mod child;
mod code;
mod error;
mod fences;
mod order;
mod talk;
mod worker;
mod workshop;

pub use error::CompileError;
pub use order::{COMPILE_VERB, CompileOrder, CompileOrderError};
pub use worker::compile_as_told;
pub use workshop::Compiler;

pub(crate) use code::CompiledCode;
pub(crate) use workshop::Workshop;

use workshop::Bounds;
