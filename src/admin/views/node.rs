//! What became of a request to the node itself.

use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct Reloaded {
    pub reloaded: bool,
}

#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct Draining {
    pub draining: bool,
}
