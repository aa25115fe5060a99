//! URLs: which may be asked, and how they are shown.

use std::net::IpAddr;

use reqwest::Url;

/// Bytes of a URL or of a reason that a message shows: some of them are the server's words.
const LONGEST: usize = 500;

/// `text`, or the beginning of it.
pub(super) fn bounded(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// A URL as messages show it: without user, password, query and fragment, any of which may be
/// a secret.
pub(in crate::lifecycle) fn shown(url: &str) -> String {
    let parsed = Url::parse(url).ok().filter(|url| !url.cannot_be_a_base());
    let Some(mut url) = parsed else {
        return "a source that is no URL".into();
    };
    // Fails only for URLs that have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    bounded(url.into())
}

/// Whether `host` can only be this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether who asked `from` may be led to `to`: never out of https, and without it only from
/// this machine to this machine.
pub(super) fn may_lead(from: &Url, to: &Url) -> bool {
    let is_here = |url: &Url| url.scheme() == "http" && url.host_str().is_some_and(is_loopback);
    to.scheme() == "https" || (is_here(from) && is_here(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        let url = "https://user:password@host.example:8443/a/b.wasm?token=secret#part";
        assert_eq!(shown(url), "https://host.example:8443/a/b.wasm");
        assert!(!shown("user:password@host").contains("password@"));
        assert!(!shown("not a url?token=secret").contains("secret"));
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let url = shown(&format!("https://host.example/{}", "é".repeat(1_000)));
        assert!(url.len() < 510 && url.ends_with('…'), "{url}");
        let text = bounded(format!("a{}", "é".repeat(1_000)));
        assert_eq!(text, format!("a{}…", "é".repeat(249)));
        assert_eq!(bounded("short".into()), "short");
    }

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "127.0.0.1.example",
            "localhost.example",
            "10.0.0.1",
            "",
            "[::]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn nothing_leads_out_of_https() {
        let url = |text: &str| Url::parse(text).unwrap();
        let (https, local) = (url("https://a.example/"), url("http://127.0.0.1:5000/"));
        assert!(may_lead(&https, &https) && may_lead(&local, &local) && may_lead(&local, &https));
        assert!(!may_lead(&https, &local));
        assert!(!may_lead(&https, &url("http://a.example/")));
        assert!(!may_lead(&local, &url("http://a.example/")));
        assert!(!may_lead(&https, &url("ftp://a.example/")));
    }
}
