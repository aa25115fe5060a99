//! What is given on the command line, in a file, or on stdin.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use super::admin::{Failure, read_all, read_bounded};
use crate::core::ByteSize;

/// More than any value or message may have.
const LARGEST: ByteSize = ByteSize(64 << 20);

/// `TEXT`, `@FILE`, or `-` for stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Text(String),
    File(PathBuf),
    Stdin,
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Text(text.to_owned()),
        })
    }
}

impl Input {
    /// # Errors
    /// It cannot be read, or is larger than 64 MiB.
    pub fn read(self) -> Result<Vec<u8>, Failure> {
        let (bytes, from) = match self {
            Self::Text(text) => return Ok(text.into_bytes()),
            Self::File(path) => (read_bounded(&path, LARGEST), path.display().to_string()),
            Self::Stdin => (read_all(std::io::stdin().lock(), LARGEST), "stdin".into()),
        };
        bytes.map_err(|error| Failure::Local(format!("cannot read {from}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_stdin_are_told_from_texts() {
        for (text, input) in [
            ("a@b", Input::Text("a@b".into())),
            ("", Input::Text(String::new())),
            ("-1", Input::Text("-1".into())),
            ("@dir/a b", Input::File("dir/a b".into())),
            ("-", Input::Stdin),
        ] {
            assert_eq!(text.parse(), Ok(input), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing: Input = "@/nonexistent/x".parse().unwrap();
        let failure = missing.read().unwrap_err();
        assert!(failure.to_string().contains("/nonexistent/x"), "{failure}");
        assert_eq!(failure.exit_code(), 1);
    }
}
