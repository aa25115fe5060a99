//! Why there is no code of a component.

use std::io;
use std::time::Duration;

use crate::core::{ByteSize, format_duration};

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refused it; its words.
    #[error("{0}")]
    Component(String),
    #[error(
        "it takes longer than {}, which is what compile_timeout allows",
        format_duration(*.0)
    )]
    Timeout(Duration),
    #[error("it takes more memory than the {0} that compile_memory allows")]
    Memory(ByteSize),
    #[error("its code is larger than {0}")]
    Code(ByteSize),
    /// Ended by something else: a signal from outside, a bug.
    #[error("the process that compiles it {how}{}", said(.complaint))]
    Died { how: String, complaint: String },
    #[error("cannot start a process that compiles it: {0}")]
    Start(#[source] io::Error),
    #[error(
        "other components kept all compilers busy for {}; try again",
        format_duration(*.0)
    )]
    Busy(Duration),
    /// The program that compiled it is not this one.
    #[error("the compiled code does not fit this program: {0}")]
    Foreign(String),
}

fn said(complaint: &str) -> String {
    match complaint {
        "" => String::new(),
        _ => format!(": {complaint}"),
    }
}
