//! HTTPS: versions, protocols, and the certificate for each name.

use std::time::Duration;

use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tokio_rustls::TlsConnector;

use crate::support::tls::{Pair, client, client_with};
use crate::support::{Connection, Gate, Raw, eventually, get, within};

fn pair(names: &[&str]) -> (TempDir, Pair) {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::write(dir.path(), "one", names);
    (dir, pair)
}

async fn hello(gate: &Gate, name: &str, config: std::sync::Arc<rustls::ClientConfig>) -> String {
    let mut client = Connection::tls(gate.tls_address(), name, config)
        .await
        .unwrap();
    client.get("/hello").await.whole().text().to_owned()
}

#[tokio::test]
async fn alpn_chooses_the_protocol_and_both_tls_versions_work() {
    let (_dir, pair) = pair(&["localhost"]);
    let gate = Gate::serving(["echo"]).tls(&pair.config()).start().await;
    for version in rustls::ALL_VERSIONS {
        for (offer, protocol) in [
            (&["h2", "http/1.1"][..], http::Version::HTTP_2),
            (&["http/1.1"], http::Version::HTTP_11),
            (&[], http::Version::HTTP_11),
        ] {
            let config = client_with(&[&pair], offer, &[version], None);
            let address = gate.tls_address();
            let mut client = Connection::tls(address, "localhost", config).await.unwrap();
            let answer = client.get("/echo").await.whole();
            assert_eq!((answer.status(), answer.version), (200, protocol));
            assert_eq!(answer.header("x-scheme"), "https");
            assert_eq!(answer.header("x-req-x-forwarded-proto"), "https");
        }
    }
}

#[tokio::test]
async fn each_name_gets_its_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let first = Pair::write(dir.path(), "first", &["a.example.com"]);
    let wild = Pair::write(dir.path(), "wild", &["*.example.org", "example.org"]);
    let tls = first.config() + &wild.config();
    let gate = Gate::serving(["hello"]).tls(&tls).start().await;
    for (name, pair) in [
        ("a.example.com", &first),
        ("A.EXAMPLE.COM", &first),
        ("shop.example.org", &wild),
        ("example.org", &wild),
    ] {
        let text = hello(&gate, name, client(&[pair], &["h2"])).await;
        assert_eq!(text, "hello world\n", "{name}");
    }
    // One label only: this gets the first certificate, which is not for this name.
    let config = client(&[&wild], &[]);
    let deeper = Connection::tls(gate.tls_address(), "a.b.example.org", config).await;
    assert!(deeper.is_err());
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_drops_no_old_one() {
    let (_dir, pair) = pair(&["localhost"]);
    let gate = Gate::serving(["hello", "stream"])
        .tls(&pair.config())
        .start()
        .await;
    let old = client(&[&pair], &["http/1.1"]);
    let address = gate.tls_address();
    let mut open = Connection::tls(address, "localhost", old).await.unwrap();
    let stream = get("/stream?chunks=20&delay_ms=100&size=1");
    let mut response = open.send(stream).await.unwrap();
    pair.renew(&["localhost"]);
    let new = client(&[&pair], &["http/1.1"]);
    eventually("the new certificate is served", async || {
        Connection::tls(address, "localhost", new.clone())
            .await
            .is_ok()
    })
    .await;
    let mut chunks = 0;
    while let Some(frame) = response.frame().await {
        chunks += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(chunks, 20);
    assert_eq!(open.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn a_bad_pair_keeps_the_old_certificate() {
    let (dir, pair) = pair(&["localhost"]);
    let gate = Gate::serving(["hello"]).tls(&pair.config()).start().await;
    let config = client(&[&pair], &["h2"]);
    let other = Pair::write(dir.path(), "other", &["localhost"]);
    std::fs::copy(&other.key, &pair.key).unwrap();
    gate.log.line("the old configuration stays").await;
    eventually("the failure is shown", async || {
        let metrics = gate.metrics().await;
        metrics.sum("airgate_config_last_reload_success", &[]) == 0.0
    })
    .await;
    assert_eq!(
        hello(&gate, "localhost", config.clone()).await,
        "hello world\n"
    );
    std::fs::write(&pair.cert, "-----BEGIN CERTIFICATE-----\nnonsense").unwrap();
    assert_eq!(gate.reload().await.status(), 422);
    assert_eq!(hello(&gate, "localhost", config).await, "hello world\n");
}

#[tokio::test]
async fn a_stalled_handshake_does_not_stop_others() {
    let (_dir, pair) = pair(&["localhost"]);
    let gate = Gate::serving(["hello"])
        .tls(&pair.config())
        .limits("detection_timeout = \"5s\"")
        .start()
        .await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut raw = Raw::connect(gate.tls_address()).await;
        raw.send([0x16, 0x03, 0x01, 0x02, 0x00]).await;
        stalled.push(raw);
    }
    let config = client(&[&pair], &["h2"]);
    let answered = hello(&gate, "localhost", config);
    let text = within(Duration::from_secs(4), "an answer", answered).await;
    assert_eq!(text, "hello world\n");
    for raw in &mut stalled {
        assert!(raw.closed_after().await < Duration::from_secs(9));
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_closed_and_counted() {
    let (_dir, pair) = pair(&["localhost"]);
    let gate = Gate::serving(["hello"]).tls(&pair.config()).start().await;
    let mut raw = Raw::connect(gate.tls_address()).await;
    let answer = raw.ask("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(!answer.contains("hello world"));
    let labels = [("kind", "tls_handshake")];
    eventually("the handshake is counted", async || {
        let metrics = gate.metrics().await;
        metrics.sum("airgate_connection_errors_total", &labels) == 1.0
    })
    .await;
}

#[tokio::test]
async fn self_signed_names_are_served_and_kept_over_a_restart() {
    let state = tempfile::tempdir().unwrap();
    crate::support::write_token(state.path());
    let tls = "[[server.tls.certificate]]\nself_signed = [\"localhost\"]";
    let mut shown = Vec::new();
    for _ in 0..2 {
        let setup = Gate::serving([]).state(state.path()).tls(tls);
        let gate = setup.route("path = \"/\"\nrespond = {}").start().await;
        let made = std::fs::read_dir(state.path().join("tls")).unwrap();
        let cert = made
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|end| end == "crt"))
            .unwrap();
        let pair = Pair {
            key: cert.with_extension("key"),
            cert,
        };
        let config = client(&[&pair], &["h2"]);
        let mut client = Connection::tls(gate.tls_address(), "localhost", config)
            .await
            .unwrap();
        assert_eq!(client.get("/").await.status(), 200);
        shown.push(pair.certificate());
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test]
async fn clients_without_a_certificate_are_refused_where_one_is_required() {
    let (dir, pair) = pair(&["localhost"]);
    let own = Pair::write(dir.path(), "client", &["client.example.com"]);
    let tls = format!(
        "client_ca = {:?}\nrequire = true\n{}",
        own.cert,
        pair.config()
    );
    let gate = Gate::serving(["hello"]).tls(&tls).start().await;
    let with = client_with(&[&pair], &["http/1.1"], rustls::ALL_VERSIONS, Some(&own));
    assert_eq!(hello(&gate, "localhost", with).await, "hello world\n");
    let tcp = tokio::net::TcpStream::connect(gate.tls_address())
        .await
        .unwrap();
    let connector = TlsConnector::from(client(&[&pair], &["http/1.1"]));
    let stream = connector
        .connect("localhost".try_into().unwrap(), tcp)
        .await;
    if let Ok(mut stream) = stream {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let _ = stream
            .write_all(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(
            answer.is_empty(),
            "TLS 1.3 tells the client late, but it tells it"
        );
    }
}
