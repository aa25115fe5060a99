//! Calls from component to component, without a socket.

use std::pin::Pin;

use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::runtime::{Call, InvokeError, ResponseBody};

/// The body of a call, as its guest sends it.
pub type PeerBody = WasiBody;

/// A call of another component, on its way.
pub type PeerCall =
    Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, InvokeError>> + Send>>;

/// No component has this name.
#[derive(Debug)]
pub struct NoSuchPeer;

/// Whoever knows all components: it picks a version by the call's cohort and calls it
/// under its own limits, in its own pool.
pub trait Peers: Send + Sync + 'static {
    /// Names are compared as host names are: without regard to case.
    ///
    /// # Errors
    /// There is no such component.
    fn call(
        &self,
        component: &str,
        request: Request<PeerBody>,
        call: Call,
    ) -> Result<PeerCall, NoSuchPeer>;
}
