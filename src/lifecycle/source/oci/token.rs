//! The token that many registries want even of who is nobody (distribution's token authentication).

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Client, Response, Url};
use serde::Deserialize;

use super::ImageError;
use crate::core::ByteSize;
use crate::lifecycle::source::SourceError;
use crate::lifecycle::source::download::Wanted;
use crate::lifecycle::source::place::{may_lead, shown};

const LIMIT: ByteSize = ByteSize(64 << 10);
const SCHEME: &str = "bearer ";

/// Where a registry says that tokens are to be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    service: Option<String>,
}

/// The same token, under the name of either specification.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Challenge {
    pub fn of(response: &Response) -> Option<Self> {
        let fields = response.headers().get_all(WWW_AUTHENTICATE).iter();
        fields
            .filter_map(|field| field.to_str().ok())
            .find_map(Self::parse)
    }

    /// `Bearer realm="…",service="…"` (RFC 9110 §11.6.1).
    fn parse(field: &str) -> Option<Self> {
        let (scheme, mut rest) = field.split_at_checked(SCHEME.len())?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"')?;
            match name.trim_matches([' ', ',']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
        }
        Some(Self {
            realm: realm?,
            service,
        })
    }

    /// Where who was asked at `registry` gets a token that may pull `repository`.
    pub fn url(&self, registry: &Url, repository: &str) -> Result<Url, ImageError> {
        let url = Url::parse(&self.realm).ok();
        let Some(mut url) = url.filter(|url| may_lead(registry, url)) else {
            return Err(ImageError::TokenElsewhere(shown(&self.realm)));
        };
        let mut query = url.query_pairs_mut();
        query.append_pair("scope", &format!("repository:{repository}:pull"));
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        drop(query);
        Ok(url)
    }
}

/// The token that `url` gives, if that is what it gives.
pub(super) async fn token(client: &Client, url: Url) -> Result<Option<String>, SourceError> {
    let wanted = Wanted {
        what: "a token",
        place: &shown(url.as_str()),
        limit: LIMIT,
    };
    let response = wanted.send(client.get(url)).await?;
    let bytes = wanted.body(response).await?;
    let answer: Option<Answer> = serde_json::from_slice(&bytes).ok();
    Ok(answer.and_then(|answer| answer.token.or(answer.access_token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenges_of_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#;
        let challenge = Challenge::parse(hub).unwrap();
        let registry = Url::parse("https://registry.example/v2/").unwrap();
        assert_eq!(
            challenge.url(&registry, "a/b").unwrap().as_str(),
            "https://auth.docker.io/token?scope=repository%3Aa%2Fb%3Apull&service=registry.docker.io"
        );
        let spaced = r#"bearer error="x", REALM="https://a.example/t?y=1", scope="a,b""#;
        let challenge = Challenge::parse(spaced).unwrap();
        assert_eq!(challenge.realm, "https://a.example/t?y=1");
        assert_eq!(challenge.service, None);
    }

    #[test]
    fn a_registry_cannot_send_for_a_token_without_https() {
        let registry = Url::parse("https://registry.example/v2/").unwrap();
        for realm in ["http://169.254.169.254/", "file:///etc/passwd", "token"] {
            let challenge = Challenge::parse(&format!("Bearer realm=\"{realm}\"")).unwrap();
            let refused = challenge.url(&registry, "a/b");
            assert!(matches!(refused, Err(ImageError::TokenElsewhere(_))));
        }
    }

    #[test]
    fn what_is_no_challenge_for_a_token_is_none() {
        for field in [
            "",
            "Basic realm=\"x\"",
            "Bearer ",
            "Bearer realm=x",
            "Bearer realm=\"x",
            "Bearer service=\"x\"",
            "ééééééé",
        ] {
            assert_eq!(Challenge::parse(field), None, "{field}");
        }
    }
}
