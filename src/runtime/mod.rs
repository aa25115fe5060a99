//! wasmtime: from the bytes of a component to one call of it, inside its limits.
//!
//! ```text
//! artifact  bytes → checked, digested, classified
//!  └ loader    compiled (compiler) or from the cache, linked → Prepared
//!     └ instance  Prepared → store + instance, armed for one request
//!        └ invoke    request → response head + body stream
//! ```

mod artifact;
mod bindings;
mod body;
mod cache;
mod call;
mod capability;
mod compiler;
mod cpu;
mod detached;
mod engine;
mod error;
mod exports;
mod guard;
mod guest;
mod instance;
mod invoke;
mod join;
mod lane;
mod lifecycle;
mod linker;
mod loader;
mod memory;
mod messages;
mod outbound;
mod output;
mod overview;
mod reach;
mod session;
mod solo;
mod terms;

pub use artifact::{Artifact, ArtifactError, Handlers, Interface, MessageInterface, Surface};
pub use body::{RequestBody, RequestWatch, ResponseBody};
pub use cache::CodeCache;
pub use call::{Call, Scheme};
pub use capability::{Capabilities, Capability, Missing, Needs, Preparation};
pub use compiler::{
    COMPILE_VERB, CompileError, CompileOrder, CompileOrderError, Compiler, compile_as_told,
};
pub use engine::Engines;
pub use error::{BodyError, InvokeError};
pub use guard::{Guard, Verdict};
pub use guest::Guest;
pub use instance::{Instance, Prepared, Usage};
pub use invoke::{Lease, invoke};
pub use join::{Joined, Sessions};
pub use lane::SlowLane;
pub use lifecycle::{health, metadata, shutdown};
pub use loader::{LoadError, Loader, VersionPolicy};
pub use messages::handle;
pub use outbound::{Network, NetworkError, NoSuchPeer, PeerBody, PeerCall, Peers};
pub use overview::Overview;
pub use reach::Services;
