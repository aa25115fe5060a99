//! The operator's own question before a step of a rollout ends: one GET that must be answered
//! with 2xx.

use std::path::Path;

use reqwest::redirect::Policy;

use super::source::{SourceError, built, client, reason, shown};
use crate::core::{HttpCheck, format_duration};

/// Asks the checks of rollouts. Each gets a connection of its own, so that none hangs on one that
/// has died. Bound by no egress policy, which is for what guests ask: only `routes.toml` names
/// checks.
#[derive(Clone)]
pub struct CheckClient(reqwest::Client);

impl CheckClient {
    /// `ca` is a PEM file of authorities that are believed beside the public ones. Blocks to
    /// read it.
    ///
    /// # Errors
    /// It cannot be read or has no certificate.
    pub fn new(ca: Option<&Path>) -> Result<Self, SourceError> {
        built(client(ca)?.redirect(Policy::none())).map(Self)
    }
}

/// Whether `check` passes: the head of its answer is there in time and says 2xx. Redirects are
/// answers and do not pass; the body is not read.
///
/// # Errors
/// It does not pass; why, as a sentence without what may be secret in its URL.
pub async fn check_http(check: &HttpCheck, client: &CheckClient) -> Result<(), String> {
    let url = shown(&check.url);
    let asking = client.0.get(&check.url).send();
    match tokio::time::timeout(check.timeout, asking).await {
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(response)) => Err(format!(
            "The check {url} answered with status {}, and 2xx was expected.",
            response.status().as_u16()
        )),
        Ok(Err(error)) => Err(format!("The check {url} failed: {}.", reason(error))),
        Err(_) => Err(format!(
            "The check {url} was not answered within {}.",
            format_duration(check.timeout)
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::source::testing::{Origin, Step, answer};

    async fn checked(url: String, ca: Option<&Path>) -> Result<(), String> {
        let timeout = match url.ends_with("/never") {
            true => Duration::from_millis(400),
            false => Duration::from_secs(30),
        };
        let check = HttpCheck { url, timeout };
        check_http(&check, &CheckClient::new(ca).unwrap()).await
    }

    fn answers(path: &str) -> Vec<Step> {
        match path {
            "/ok" => vec![answer("200 OK", "ok")],
            "/made" => vec![Step::Send(b"HTTP/1.1 204 No Content\r\n\r\n".into())],
            "/long" => vec![
                Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".into()),
                Step::Endless(b"x".repeat(10_000)),
            ],
            "/elsewhere" => vec![Step::Send(
                b"HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n".into(),
            )],
            "/bad?key=secret" => vec![answer("503 Service Unavailable", "secret of the server")],
            "/odd" => vec![Step::Send(b"SMTP\r\n\r\n".into())],
            _ => vec![Step::Wait],
        }
    }

    #[tokio::test]
    async fn two_hundreds_pass_whatever_their_body() {
        let (plain, tls) = (Origin::plain(answers).await, Origin::tls(answers).await);
        for path in ["/ok", "/made", "/long"] {
            for origin in [&plain, &tls] {
                let checked = checked(origin.url(path), origin.ca()).await;
                assert_eq!(checked, Ok(()), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn everything_else_fails_with_a_sentence() {
        let origin = Origin::plain(answers).await;
        for (path, said) in [
            (
                "/elsewhere",
                "answered with status 302, and 2xx was expected.",
            ),
            (
                "/bad?key=secret",
                "answered with status 503, and 2xx was expected.",
            ),
            ("/never", "was not answered within 400ms."),
            ("/odd", "failed: "),
        ] {
            let error = checked(origin.url(path), None).await.unwrap_err();
            assert!(error.starts_with("The check http://127.0.0.1:"), "{error}");
            assert!(error.contains(said) && error.ends_with('.'), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let asked = origin.asked();
        let is_followed = asked.iter().any(|head| head.starts_with("GET /ok "));
        assert!(!is_followed, "a redirect was followed");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_or_not_trusted_fails() {
        let origin = Origin::tls(answers).await;
        let untrusted = checked(origin.url("/ok"), None).await.unwrap_err();
        assert!(untrusted.contains("certificate"), "{untrusted}");
        let url = origin.url("/ok");
        drop(origin);
        let gone = checked(url, None).await.unwrap_err();
        assert!(gone.contains("failed: "), "{gone}");
    }
}
