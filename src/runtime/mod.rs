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
mod engine;
mod error;
mod host;
mod instance;
mod invoke;
mod lane;
mod linker;
mod loader;
mod memory;
mod output;
mod session;

pub use artifact::{Artifact, ArtifactError, Interface, Surface};
pub use body::{BodyError, RequestBody, RequestWatch, ResponseBody};
pub use cache::CodeCache;
pub use call::{Call, Scheme};
pub use engine::Engines;
pub use error::InvokeError;
pub use instance::{Instance, Prepared, Usage};
pub use invoke::{Lease, invoke};
pub use lane::SlowLane;
pub use loader::{LoadError, Loader};
pub use session::{JoinError, Sessions};
