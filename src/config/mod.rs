//! `routes.toml` → a checked, typed [`Config`].
//!
//! The file is parsed into a tree ([`load`]), read into tables that keep the place of every value
//! (`raw`, the one list of keys, of which the JSON Schema is made too), and checked into the
//! `model`. Every mistake is reported at once, with its line and column; a configuration with a
//! mistake is never returned, not even in part.

mod check;
mod diagnostic;
mod load;
mod model;
mod raw;
mod read;
mod schema;
mod source;
mod syntax;
mod text;

#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use load::{LoadError, load, load_with};
pub use model::{
    Admin, AdminListen, Certificate, ClientCa, Config, Files, HeaderEdits, HostPattern, LogFormat,
    MessageRequest, Mirror, NamedToken, PathPattern, Respond, Route, Server, ServerLimits, Target,
    Telemetry, Tls, Token,
};
pub use schema::schema;
