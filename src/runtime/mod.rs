//! wasmtime: from the bytes of a component to one call of it, inside its limits.
//!
//! ```text
//! artifact  bytes → checked, digested, classified
//!  └ loader    compiled or from the cache, linked → Prepared
//!     └ instance  Prepared → store + instance, armed for one request
//!        └ invoke    request → response head + body stream
//! ```

mod artifact;
mod body;
mod cache;
mod call;
mod cpu;
mod detached;
mod engine;
mod error;
mod host;
mod instance;
mod invoke;
mod join;
mod lane;
mod linker;
mod loader;
mod memory;
mod output;
mod session;
mod terms;

pub use artifact::{Artifact, ArtifactError, Interface, Surface};
pub use body::{BodyError, RequestBody, RequestWatch, ResponseBody};
pub use cache::CodeCache;
pub use call::{Call, Scheme};
pub use engine::Engines;
pub use error::InvokeError;
pub use instance::{Instance, Prepared, Usage};
pub use invoke::{Lease, invoke};
pub use join::{Joined, Sessions};
pub use lane::SlowLane;
pub use loader::{LoadError, Loader};
