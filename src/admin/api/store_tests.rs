//! Stores over the API.

use axum::body::Body;
use serde_json::json;

use super::wired::Api;
use crate::security::{AuditKind, AuditQuery};

const KEYS: &str = "/v1/stores/default/spaces/cart/keys";

fn key(method: &str, key: &str) -> String {
    format!("{method} {KEYS}/{key}")
}

#[tokio::test]
async fn a_value_comes_back_as_it_was_set() {
    let api = Api::new();
    let bytes: Vec<u8> = (0..=99).map(|byte| byte ^ 0xa5).collect();
    let line = key("PUT", "user%2F1%20%C3%BC");
    assert_eq!(api.ask(&line, &[], bytes.clone()).await.status, 204);
    let got = api.simply(&key("GET", "user%2F1%20%C3%BC")).await;
    assert_eq!((got.status, &*got.body), (200, &*bytes));
    assert_eq!(got.headers["content-type"], "application/octet-stream");
    assert!(!got.headers.contains_key("x-airgate-expires"));
    let tag = got.headers["etag"].to_str().unwrap();
    let known = [("if-none-match", tag)];
    let line = key("GET", "user%2F1%20%C3%BC");
    assert_eq!(api.ask(&line, &known, "").await.status, 304);
    let keys = api.simply(&format!("GET {KEYS}?prefix=user/")).await;
    assert_eq!(keys.json(), json!({ "keys": ["user/1 ü"], "more": false }));
    assert_eq!(
        api.simply(&key("DELETE", "user%2F1%20%C3%BC")).await.status,
        204
    );
    assert_eq!(
        api.simply(&key("DELETE", "user%2F1%20%C3%BC")).await.status,
        404
    );
    assert_eq!(
        api.simply(&key("GET", "user%2F1%20%C3%BC")).await.status,
        404
    );
}

#[tokio::test]
async fn a_value_that_expires_says_when() {
    let api = Api::new();
    assert_eq!(api.ask(&key("PUT", "a?ttl=5m"), &[], "v").await.status, 204);
    let got = api.simply(&key("GET", "a")).await;
    let expires = got.headers["x-airgate-expires"].to_str().unwrap();
    assert!(expires.ends_with('Z') && expires.len() == 24, "{expires}");
    for bad in ["a?ttl=0s", "a?ttl=5", "a?stay=5m"] {
        assert_eq!(
            api.ask(&key("PUT", bad), &[], "v").await.status,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn writes_can_depend_on_what_is_there() {
    let api = Api::new();
    let put = async |name: &'static str, value: &str, body: &'static str| {
        api.ask(&key("PUT", "a"), &[(name, value)], body).await
    };
    assert_eq!(put("if-match", "*", "0").await.status, 412);
    let first = put("if-none-match", "*", "1").await;
    let first_tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(
        (first.status, put("if-none-match", "*", "x").await.status),
        (204, 412)
    );
    assert_eq!(put("if-match", &first_tag, "2").await.status, 204);
    assert_eq!(put("if-match", &first_tag, "x").await.status, 412);
    assert_eq!(put("if-match", "*", "3").await.status, 204);
    assert_eq!(put("if-match", "nonsense", "x").await.status, 400);
    assert_eq!(&*api.simply(&key("GET", "a")).await.body, b"3");
    let delete = key("DELETE", "a");
    let delete = api.ask(&delete, &[("if-match", "*")], "").await;
    assert_eq!(delete.status, 400);
}

#[tokio::test]
async fn numbers_are_added_to() {
    let api = Api::new();
    let json_type = [("content-type", "application/json")];
    let line = key("POST", "n/increment");
    let add = async |body: &'static str| api.ask(&line, &json_type, body).await;
    assert_eq!(add(r#"{"delta":5}"#).await.json(), json!({ "value": 5 }));
    assert_eq!(add(r#"{"delta":-7}"#).await.json(), json!({ "value": -2 }));
    for (body, status) in [
        ("", 400),
        ("{}", 422),
        (r#"{"delta":9223372036854775808}"#, 422),
        (r#"{"delta":-9223372036854775808}"#, 409),
    ] {
        assert_eq!(add(body).await.status, status, "{body}");
    }
    api.ask(&key("PUT", "n"), &[], "no number").await;
    assert_eq!(add(r#"{"delta":1}"#).await.status, 409);
}

#[tokio::test]
async fn what_a_store_does_not_take_is_a_problem() {
    let api = Api::new();
    let large = vec![0; 101];
    assert_eq!(api.ask(&key("PUT", "a"), &[], large).await.status, 413);
    for name in ["a", "b", "c"] {
        assert_eq!(api.ask(&key("PUT", name), &[], "v").await.status, 204);
    }
    let full = api.ask(&key("PUT", "d"), &[], "v").await;
    assert_eq!(full.status, 409);
    assert_eq!(full.headers["content-type"], "application/problem+json");
    for (line, status) in [
        ("GET /v1/stores/other/spaces/cart/keys".to_owned(), 404),
        ("GET /v1/stores/../backup".into(), 404),
        ("GET /v1/stores/default/spaces/a%2Fb/keys".into(), 404),
        (key("GET", "a%00b"), 400),
        (key("GET", &"k".repeat(1_025)), 400),
        (key("GET", "a/b"), 404),
        (format!("GET {KEYS}?limit=x"), 400),
    ] {
        assert_eq!(api.simply(&line).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn usage_and_pages_of_keys_are_shown() {
    let api = Api::new();
    for name in ["a", "b", "c"] {
        api.ask(&key("PUT", name), &[], "12").await;
    }
    let stores = api.simply("GET /v1/stores").await.json();
    let expected = json!({ "stores": [{
        "name": "default", "backend": "memory", "quota": { "bytes": 1_000, "keys": 3 },
        "spaces": [{ "component": "cart", "bytes": 9, "keys": 3 }],
    }]});
    assert_eq!(stores, expected);
    let page = async |query: &str| api.simply(&format!("GET {KEYS}?{query}")).await.json();
    assert_eq!(
        page("limit=2").await,
        json!({ "keys": ["a", "b"], "more": true })
    );
    assert_eq!(
        page("limit=2&after=b").await,
        json!({ "keys": ["c"], "more": false })
    );
    assert_eq!(page("limit=0").await["keys"], json!(["a"]));
}

#[tokio::test]
async fn a_backup_brings_everything_back_and_a_damaged_one_nothing() {
    let api = Api::new();
    api.ask(&key("PUT", "a"), &[], "kept").await;
    let backup = api.simply("GET /v1/stores/default/backup").await;
    assert_eq!(
        (
            backup.status,
            backup.headers["content-type"].to_str().unwrap()
        ),
        (200, "application/jsonl")
    );
    api.ask(&key("PUT", "a"), &[], "changed").await;
    let restore = "POST /v1/stores/default/restore";
    let text = std::str::from_utf8(&backup.body).unwrap();
    let (cut, _) = text.trim_end().rsplit_once('\n').unwrap();
    let altered = text.replace("a2VwdA==", "a2VwVA==");
    assert_ne!(altered, text);
    for (damaged, line) in [
        (format!("{cut}\n"), Some(3)),
        (altered, None),
        ("{}\n".to_owned(), Some(1)),
        (String::new(), Some(1)),
    ] {
        let refused = api.ask(restore, &[], damaged.clone()).await;
        assert_eq!(refused.status, 400, "{damaged}");
        assert_eq!(refused.json()["line"].as_u64(), line, "{}", refused.json());
        assert_eq!(&*api.simply(&key("GET", "a")).await.body, b"changed");
    }
    let restored = api.ask(restore, &[], text.to_owned()).await;
    assert_eq!(
        (restored.status, restored.json()),
        (200, json!({ "records": 1 }))
    );
    assert_eq!(&*api.simply(&key("GET", "a")).await.body, b"kept");
}

#[tokio::test]
async fn a_store_whose_backups_are_made_elsewhere_says_so() {
    let api = Api::new();
    for line in [
        "GET /v1/stores/elsewhere/backup",
        "POST /v1/stores/elsewhere/restore",
    ] {
        let refused = api.simply(line).await;
        assert_eq!(refused.status, 409, "{line}");
        let detail = refused.json()["detail"].to_string();
        assert!(
            detail.contains("with the tools of what it is kept in"),
            "{detail}"
        );
    }
    let missing = api.simply("GET /v1/stores/other/backup").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn edits_are_in_the_trail_with_who_made_them() {
    let api = Api::new();
    api.ask(&key("PUT", "a"), &[], "v").await;
    api.simply(&key("GET", "a")).await;
    api.ask("POST /v1/stores/default/restore", &[], Body::from("x"))
        .await;
    let query = AuditQuery {
        kind: Some(AuditKind::AdminCall),
        ..AuditQuery::default()
    };
    let events = api.trail.query(&query);
    let events: Vec<_> = events.iter().map(|it| (&*it.target, &*it.detail)).collect();
    let set = key("PUT", "a");
    let expected = [
        (
            "POST /v1/stores/default/restore",
            "400 Bad Request by admin",
        ),
        (&*set, "204 No Content by admin"),
    ];
    assert_eq!(events, expected);
}
