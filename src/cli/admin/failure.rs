//! Why a verb could not do what it was asked for, and which exit code says so.

use std::fmt;

use serde_json::Value;

use crate::cli::exit;
use crate::cli::terminal::{plain, plain_lines};

#[derive(Debug)]
pub(in crate::cli) enum Failure {
    /// Nobody answers there, or not to the end.
    Unreachable {
        cause: String,
        /// It was asked for a change, and may have made it.
        in_doubt: bool,
    },
    /// It answered with a problem.
    Refused(Refusal),
    /// Something answers there that is no admin API.
    Foreign(String),
    /// It did not get as far as asking.
    Local(String),
}

/// A problem document (RFC 9457), or what came instead of one.
#[derive(Debug)]
pub(in crate::cli) struct Refusal {
    pub status: u16,
    /// As it came, where it is JSON.
    pub document: Option<String>,
    detail: String,
    diagnostics: Vec<String>,
    /// The configuration is what is wrong.
    is_configuration: bool,
    /// What to do.
    pub advice: Option<String>,
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => exit::UNREACHABLE,
            Self::Refused(refusal) if refusal.is_configuration => exit::INVALID_CONFIGURATION,
            Self::Refused(_) | Self::Foreign(_) | Self::Local(_) => exit::FAILED,
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { cause, in_doubt } => {
                f.write_str(cause)?;
                match in_doubt {
                    true => f.write_str("\nthe change may have been made: `airgate status` tells"),
                    false => Ok(()),
                }
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Foreign(message) | Self::Local(message) => f.write_str(message),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        for line in self.diagnostics.iter().chain(&self.advice) {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}

impl Refusal {
    pub fn new(status: u16, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| document[name].as_str().map(plain_lines);
        let detail = member("detail")
            .or_else(|| member("title"))
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| format!("it answers with status {status}"));
        let found = document["diagnostics"].as_array();
        let found = found.map(Vec::as_slice).unwrap_or_default();
        let lines = found.iter().filter_map(|it| diagnostic(it, &detail));
        Self {
            status,
            diagnostics: lines.collect(),
            is_configuration: !found.is_empty(),
            document: (!document.is_null()).then(|| String::from_utf8_lossy(body).into_owned()),
            detail: detail.trim_end().to_owned(),
            advice: None,
        }
    }
}

/// One line for a diagnostic, unless the detail has it already.
fn diagnostic(diagnostic: &Value, detail: &str) -> Option<String> {
    let message = plain(diagnostic["message"].as_str()?);
    if detail.contains(&message) {
        return None;
    }
    let path = diagnostic["path"].as_str().filter(|path| !path.is_empty());
    let path = path.map(|path| format!("{}: ", plain(path)));
    let place = match (&diagnostic["line"], &diagnostic["column"]) {
        (Value::Number(line), Value::Number(column)) => format!("line {line}:{column}  "),
        (Value::Number(line), _) => format!("line {line}  "),
        _ => String::new(),
    };
    Some(format!("{place}{}{message}", path.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Failure {
        Failure::Refused(Refusal::new(status, body.as_bytes()))
    }

    #[test]
    fn a_problem_is_told_by_its_detail() {
        let failure = refused(
            404,
            r#"{"title":"Not Found","status":404,"detail":"there is no component `cart`"}"#,
        );
        assert_eq!(failure.to_string(), "there is no component `cart`");
        assert_eq!((failure.exit_code(), failure.status()), (1, Some(404)));
        assert_eq!(
            refused(409, r#"{"title":"Conflict"}"#).to_string(),
            "Conflict"
        );
    }

    #[test]
    fn what_is_no_problem_document_is_told_by_its_status() {
        for body in ["", "<html>", "[]", "{\"detail\":5}", "{\"detail\":\" \"}"] {
            assert_eq!(refused(502, body).to_string(), "it answers with status 502");
        }
    }

    #[test]
    fn an_invalid_configuration_has_its_own_code_and_all_its_diagnostics() {
        let failure = refused(
            422,
            r#"{"detail":"routes.toml:3:1 unknown key","diagnostics":[
                {"line":3,"column":1,"path":"server","message":"unknown key"},
                {"line":5,"column":2,"path":"route","message":"no path"}]}"#,
        );
        assert_eq!(
            failure.to_string(),
            "routes.toml:3:1 unknown key\nline 5:2  route: no path"
        );
        assert_eq!(failure.exit_code(), 3);
        let components = refused(422, r#"{"detail":"traps at start","diagnostics":null}"#);
        assert_eq!(components.exit_code(), 1);
    }

    #[test]
    fn what_a_server_says_cannot_drive_the_terminal() {
        let failure = refused(
            400,
            r#"{"detail":"a\u001b[2Jb\u009bc\r\n second\u202e line"}"#,
        );
        assert_eq!(failure.to_string(), "a[2Jbc\n second line");
    }

    #[test]
    fn every_failure_has_its_exit_code() {
        let unreachable = |in_doubt| Failure::Unreachable {
            cause: "refused".into(),
            in_doubt,
        };
        assert_eq!(unreachable(false).exit_code(), 4);
        assert!(unreachable(true).to_string().contains("may have been made"));
        assert_eq!(Failure::Foreign("no".into()).exit_code(), 1);
        assert_eq!(Failure::Local("no".into()).exit_code(), 1);
    }
}
