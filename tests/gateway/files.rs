//! Static files.

use std::os::unix::fs::symlink;
use std::path::Path;

use http::Request;
use tempfile::TempDir;

use crate::support::{Answer, Gate, Setup, empty};

/// A site with a file outside of it.
fn site() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public");
    std::fs::create_dir_all(public.join("sub")).unwrap();
    std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(public.join("index.html"), "<p>home</p>").unwrap();
    std::fs::write(public.join("sub/index.html"), "<p>sub</p>").unwrap();
    std::fs::write(public.join("data.txt"), "0123456789").unwrap();
    std::fs::write(public.join("a b.txt"), "space").unwrap();
    symlink("../secret.txt", public.join("out.txt")).unwrap();
    symlink("..", public.join("up")).unwrap();
    symlink("data.txt", public.join("in.txt")).unwrap();
    dir
}

async fn serving(dir: &Path) -> Gate {
    let public = dir.join("public");
    Setup::default()
        .route(&format!(
            "prefix = \"/static\"\nfiles = {{ dir = {public:?} }}"
        ))
        .start()
        .await
}

async fn with(gate: &Gate, path: &str, field: (&str, &str)) -> Answer {
    let request = Request::get(path).header(field.0, field.1).body(empty());
    gate.ask(request.unwrap()).await.whole()
}

#[tokio::test]
async fn files_have_their_type_and_directories_their_index() {
    let site = site();
    let gate = serving(site.path()).await;
    for (path, text, kind) in [
        ("/static/data.txt", "0123456789", "text/plain"),
        ("/static/a%20b.txt", "space", "text/plain"),
        ("/static/in.txt", "0123456789", "text/plain"),
        ("/static/", "<p>home</p>", "text/html"),
        ("/static/sub/", "<p>sub</p>", "text/html"),
    ] {
        let answer = gate.get(path).await.whole();
        assert_eq!((answer.status(), answer.text()), (200, text), "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}");
    }
    assert_eq!(gate.get("/static/none.txt").await.status(), 404);
}

#[tokio::test]
async fn a_directory_without_its_slash_leads_to_its_index() {
    let site = site();
    let gate = serving(site.path()).await;
    let mut answer = gate.get("/static/sub").await;
    if answer.status.is_redirection() {
        assert_eq!(answer.header("location"), "/static/sub/");
        answer = gate.get("/static/sub/").await;
    }
    assert_eq!((answer.status(), answer.text()), (200, "<p>sub</p>"));
}

#[tokio::test]
async fn ranges_and_conditions_are_kept() {
    let site = site();
    let gate = serving(site.path()).await;
    let whole = gate.get("/static/data.txt").await;
    let part = with(&gate, "/static/data.txt", ("range", "bytes=2-4")).await;
    assert_eq!((part.status(), part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let beyond = with(&gate, "/static/data.txt", ("range", "bytes=20-")).await;
    assert_eq!(beyond.status(), 416);
    let since = whole.header("last-modified");
    let same = with(&gate, "/static/data.txt", ("if-modified-since", since)).await;
    assert_eq!((same.status(), same.body.len()), (304, 0));
}

#[tokio::test]
async fn a_file_has_an_etag_that_a_client_can_ask_with() {
    let site = site();
    let gate = serving(site.path()).await;
    let etag = gate.get("/static/data.txt").await.header("etag").to_owned();
    assert_ne!(etag, "");
    let same = with(&gate, "/static/data.txt", ("if-none-match", &etag)).await;
    assert_eq!(same.status(), 304);
}

#[tokio::test]
async fn nothing_outside_the_directory_can_be_read() {
    let site = site();
    let gate = serving(site.path()).await;
    for path in [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/sub/..%2f..%2fsecret.txt",
        "/static/..%5csecret.txt",
        "/static//../secret.txt",
        "/static/out.txt",
        "/static/up/secret.txt",
        "/static/%2Fetc%2Fpasswd",
        "/static//etc/passwd",
        "/static/data.txt%00.html",
    ] {
        let mut client = gate.raw().await;
        let answer = client
            .ask(format!(
                "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(
            !answer.contains("secret\n") && !answer.contains("root:"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn files_are_only_read() {
    let site = site();
    let gate = serving(site.path()).await;
    let answer = gate.post("/static/data.txt", "new").await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, "GET, HEAD")
    );
    let request = Request::head("/static/data.txt").body(empty()).unwrap();
    let answer = gate.ask(request).await.whole();
    assert_eq!(
        (answer.status(), answer.header("content-length")),
        (200, "10")
    );
}
