//! The process from its start to its end: reloads, drains, signals.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use rustix::process::Signal;

use crate::support::{Answer, Connection, Gate, Setup, eventually, get, guest, within};

/// Who waits in vain waits longer than this: a drain may take half a minute.
const SOON: Duration = Duration::from_secs(15);

fn fixed(path: &str, text: &str) -> String {
    format!("path = {path:?}\nrespond = {{ body = {text:?} }}")
}

/// A guest that may sleep for as long as it is told.
fn sleeper() -> Setup {
    Setup::default().guest_with("sleep", "limits = { timeout = \"60s\" }")
}

async fn busy(gate: &Gate) {
    let held = async || gate.metrics().await.sum("http_server_active_requests", &[]) == 1.0;
    eventually("the request has arrived", held).await;
}

async fn success(gate: &Gate) -> f64 {
    gate.metrics()
        .await
        .sum("airgate_config_last_reload_success", &[])
}

#[tokio::test]
async fn sigterm_lets_requests_finish_and_then_ends_with_0() {
    for http2 in [false, true] {
        let mut gate = sleeper().start().await;
        let address = gate.address();
        let slow = tokio::spawn(async move {
            let mut client = match http2 {
                true => Connection::http2(address).await,
                false => Connection::http1(address).await,
            };
            client.get("/sleep?ms=1500").await
        });
        busy(&gate).await;
        gate.signal(Signal::TERM);
        let answer = slow.await.unwrap().whole();
        assert_eq!((answer.status(), answer.text()), (200, "slept"));
        assert_eq!(gate.exit_within(SOON).await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_draining_gate_is_not_ready_and_takes_no_new_connection() {
    let mut gate = sleeper().start().await;
    let address = gate.address();
    let slow =
        tokio::spawn(async move { Connection::http1(address).await.get("/sleep?ms=5000").await });
    busy(&gate).await;
    gate.signal(Signal::TERM);
    eventually("/readyz says so", async || {
        gate.admin(get("/readyz")).await.status() == 503
    })
    .await;
    assert_eq!(gate.admin(get("/livez")).await.status(), 200);
    eventually("nobody can connect", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    assert_eq!(slow.await.unwrap().status(), 200);
    assert!(gate.exit_within(SOON).await.success());
}

#[tokio::test]
async fn a_stream_under_way_is_finished_by_a_drain() {
    let mut gate = Gate::serving(["stream"]).start().await;
    let mut client = gate.http1().await;
    let stream = get("/stream?chunks=10&delay_ms=100&size=1");
    let mut response = client.send(stream).await.unwrap();
    response.frame().await.unwrap().unwrap();
    gate.signal(Signal::TERM);
    assert_eq!(Answer::read(response).await.whole().text(), "bcdefghij");
    assert!(gate.exit_within(SOON).await.success());
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_drain() {
    let mut gate = Gate::serving(["hello"]).start().await;
    let (mut one, mut two) = (gate.http1().await, gate.http2().await);
    assert_eq!(one.get("/hello").await.status(), 200);
    assert_eq!(two.get("/hello").await.status(), 200);
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(SOON).await.success());
}

#[tokio::test]
async fn connections_that_have_not_asked_yet_do_not_hold_up_a_drain() {
    let mut slow = Vec::new();
    for bytes in ["", "P", "GET /hello HTTP/1.1\r\n"] {
        let mut gate = Gate::serving(["hello"]).start().await;
        let mut raw = gate.raw().await;
        raw.send(bytes).await;
        eventually("it is open", async || gate.connections().await == 1.0).await;
        gate.signal(Signal::TERM);
        let began = Instant::now();
        assert!(gate.exit_within(Duration::from_secs(40)).await.success());
        // Who is waited for may take ten seconds to ask.
        if began.elapsed() > Duration::from_secs(8) {
            slow.push((bytes, began.elapsed()));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let mut gate = sleeper().start().await;
        let address = gate.address();
        let slow = tokio::spawn(async move {
            let mut client = Connection::http1(address).await;
            client.send(get("/sleep?ms=60000")).await.is_err()
        });
        busy(&gate).await;
        gate.signal(Signal::TERM);
        gate.log.line("draining").await;
        assert!(!gate.has_ended());
        gate.signal(second);
        assert_eq!(gate.exit_within(SOON).await.code(), Some(1));
        assert!(slow.await.unwrap());
    }
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let mut gate = Setup::default()
        .server("drain_timeout = \"500ms\"")
        .guest_with("hang", "limits = { timeout = \"60s\" }")
        .start()
        .await;
    let mut raw = gate.raw().await;
    raw.send("GET /hang HTTP/1.1\r\nhost: a\r\n\r\n").await;
    busy(&gate).await;
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_within(SOON).await.code(), Some(1));
}

#[tokio::test]
async fn the_admin_api_can_begin_a_drain() {
    let mut gate = Gate::serving(["hello"]).start().await;
    let request = http::Request::post("/v1/drain").body(crate::support::empty());
    assert_eq!(gate.admin(request.unwrap()).await.status(), 202);
    assert!(gate.exit_within(SOON).await.success());
}

#[tokio::test]
async fn sighup_adds_and_removes_routes_and_components() {
    let mut gate = Gate::serving(["hello"])
        .route(&fixed("/old", "old"))
        .start()
        .await;
    let mut client = gate.http1().await;
    assert_eq!(client.get("/old").await.text(), "old");
    gate.rewrite(Gate::serving(["hello", "echo"]).route(&fixed("/new", "new")));
    gate.signal(Signal::HUP);
    eventually("the new route is there", async || {
        gate.get("/new").await.status() == 200
    })
    .await;
    assert_eq!(client.get("/old").await.status(), 404);
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!(client.get("/hello").await.status(), 200);
    assert_eq!(success(&gate).await, 1.0);
}

#[tokio::test]
async fn a_changed_file_is_read_by_itself() {
    let mut gate = Setup::default().route(&fixed("/", "one")).start().await;
    gate.rewrite(Setup::default().route(&fixed("/", "two")));
    eventually("it is read", async || gate.get("/").await.text() == "two").await;
    // As editors and deploy tools do: another file takes its place.
    let next = gate.dir().join("routes.toml.new");
    std::fs::write(&next, Setup::default().route(&fixed("/", "three")).text()).unwrap();
    std::fs::rename(next, gate.config()).unwrap();
    eventually("it is read again", async || {
        gate.get("/").await.text() == "three"
    })
    .await;
}

/// As Kubernetes updates a mounted ConfigMap: the file is a link into `..data`, and that
/// link is replaced.
#[tokio::test]
async fn a_configuration_behind_a_swapped_link_is_read() {
    let mut gate = Setup::default().route(&fixed("/", "one")).start().await;
    let put = |version: &str| {
        let dir = gate.dir().join(version);
        std::fs::create_dir(&dir).unwrap();
        let text = Setup::default().route(&fixed("/", version)).text();
        std::fs::write(dir.join("routes.toml"), text).unwrap();
        let link = gate.dir().join("..data_tmp");
        std::os::unix::fs::symlink(version, &link).unwrap();
        std::fs::rename(link, gate.dir().join("..data")).unwrap();
    };
    put("two");
    let link = gate.dir().join("link");
    std::os::unix::fs::symlink("..data/routes.toml", &link).unwrap();
    std::fs::rename(link, gate.config()).unwrap();
    eventually("the link is read", async || {
        gate.get("/").await.text() == "two"
    })
    .await;
    put("three");
    let swapped = async || gate.get("/").await.text() == "three";
    eventually("the swapped link is read", swapped).await;
    assert!(!gate.has_ended());
}

#[tokio::test]
async fn a_broken_configuration_keeps_the_old_one_until_it_is_mended() {
    let good = Setup::default().route(&fixed("/", "good"));
    let mut gate = good.clone().start().await;
    gate.rewrite(good.clone().lines("[component.x]\nsorce = \"x.wasm\""));
    eventually("the failure is shown", async || success(&gate).await == 0.0).await;
    let line = gate.log.line("the old configuration stays").await;
    assert!(
        line["error"].as_str().unwrap().contains("did you mean"),
        "{line}"
    );
    assert_eq!(gate.get("/").await.text(), "good");
    let problem = gate.reload().await;
    assert_eq!(problem.status(), 422);
    let diagnostics = problem.json()["diagnostics"].clone();
    assert!(
        diagnostics.as_array().is_some_and(|list| !list.is_empty()),
        "{diagnostics}"
    );
    gate.rewrite(good.route(&fixed("/more", "more")));
    eventually("it is mended", async || success(&gate).await == 1.0).await;
    assert_eq!(gate.get("/more").await.text(), "more");
}

#[tokio::test]
async fn a_configuration_cut_off_anywhere_serves_nothing_half() {
    let setup = Setup::default()
        .route(&fixed("/a", "a"))
        .route(&fixed("/b", "b"));
    let gate = setup.clone().start().await;
    let text = setup.text();
    for cut in (0..text.len()).step_by(9) {
        std::fs::write(gate.config(), &text[..cut]).unwrap();
        let reloaded = gate.reload().await.status();
        let whole_lines = text[..cut].ends_with('\n');
        assert!(reloaded == 422 || reloaded == 200, "{reloaded}");
        if reloaded == 200 && !whole_lines {
            let last = text[..cut].lines().last().unwrap();
            assert!(last.ends_with([']', '"', '}']), "taken after {last:?}");
        }
    }
}

#[tokio::test]
async fn a_component_that_cannot_be_served_changes_nothing() {
    let good = Gate::serving(["hello"]);
    let mut gate = good.clone().start().await;
    gate.rewrite(
        good.component("bad", &guest("core-module"), "")
            .route(&fixed("/new", "new")),
    );
    let problem = gate.reload().await;
    assert_eq!(problem.status(), 422);
    assert!(problem.text().contains("core module"), "{}", problem.text());
    assert_eq!(gate.get("/new").await.status(), 404);
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn reloads_under_load_lose_no_request() {
    let mut gate = Gate::serving(["hello", "hello-p3", "stream"]).start().await;
    let address = gate.address();
    static DONE: AtomicBool = AtomicBool::new(false);
    let clients = (0..6).map(|index| {
        tokio::spawn(async move {
            let path = ["/hello", "/hello-p3", "/stream?chunks=5&delay_ms=10"][index % 3];
            let mut client = match index < 3 {
                true => Connection::http1(address).await,
                false => Connection::http2(address).await,
            };
            let mut served = 0;
            while !DONE.load(Ordering::Relaxed) {
                let answer = client.get(path).await.whole();
                assert_eq!(answer.status(), 200, "{}", answer.text());
                served += 1;
            }
            served
        })
    });
    let clients: Vec<_> = clients.collect();
    for index in 0..12 {
        let reuse = format!("instances = {{ reuse = {} }}", index + 1);
        let setup = Setup::default()
            .guest_with("hello", &reuse)
            .guest_with("hello-p3", &reuse)
            .guest("stream");
        gate.rewrite(setup);
        assert_eq!(gate.reload().await.status(), 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    DONE.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_request_under_way_keeps_the_component_that_a_reload_removes() {
    let mut gate = sleeper().start().await;
    let mut client = gate.http1().await;
    let slow = client.get("/sleep?ms=3000");
    let (removed, answer) = tokio::join!(
        async {
            busy(&gate).await;
            std::fs::write(gate.config(), Setup::default().text()).unwrap();
            gate.reload().await
        },
        slow
    );
    assert_eq!(removed.status(), 200);
    assert_eq!((answer.status(), answer.text()), (200, "slept"));
    assert_eq!(gate.get("/sleep").await.status(), 404);
    gate.rewrite(Gate::serving(["sleep"]));
}

/// On an address where nobody else is given a port: it is not taken by another test meanwhile.
fn free_address(ip: &str) -> SocketAddr {
    let socket = std::net::TcpListener::bind((ip, 0)).unwrap();
    socket.local_addr().unwrap()
}

#[tokio::test]
async fn a_reload_opens_and_closes_listeners_and_drops_no_connection() {
    let base = Setup::default().route(&fixed("/", "ok"));
    let mut gate = base.clone().start().await;
    let mut old = gate.http1().await;
    let extra = free_address("127.0.0.77");
    gate.rewrite(base.clone().listen(extra));
    assert_eq!(gate.reload().await.status(), 200);
    let mut added = Connection::http1(extra).await;
    assert_eq!(added.get("/").await.text(), "ok");
    gate.rewrite(base);
    assert_eq!(gate.reload().await.status(), 200);
    eventually("it is closed", async || {
        tokio::net::TcpStream::connect(extra).await.is_err()
    })
    .await;
    assert_eq!(added.get("/").await.text(), "ok");
    assert_eq!(old.get("/").await.text(), "ok");
}

#[tokio::test]
async fn every_listener_of_the_file_serves_also_where_the_kernel_chooses_the_ports() {
    let any = "127.0.0.1:0".parse().unwrap();
    let setup = Setup::default().listen(any).route(&fixed("/", "ok"));
    let gate = within(Duration::from_secs(60), "two listeners", setup.start()).await;
    assert_eq!(gate.addresses().len(), 2);
    for address in gate.addresses() {
        assert_eq!(
            Connection::http1(*address).await.get("/").await.text(),
            "ok"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_taken_changes_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Setup::default().route(&fixed("/", "ok"));
    let mut gate = base.clone().start().await;
    let listening = base
        .listen(taken.local_addr().unwrap())
        .route(&fixed("/new", "new"));
    gate.rewrite(listening.clone());
    assert_eq!(gate.reload().await.status(), 422);
    assert_eq!(gate.get("/new").await.status(), 404);
    assert_eq!(gate.get("/").await.text(), "ok");
    let refusal = listening.try_start().await.err().expect("no start");
    assert!(
        refusal.stderr.contains("cannot listen on"),
        "{}",
        refusal.stderr
    );
}

#[tokio::test]
async fn new_limits_hold_for_the_next_request() {
    let mut gate = Setup::default()
        .guest_with("hang", "limits = { timeout = \"60s\" }")
        .start()
        .await;
    gate.rewrite(Setup::default().guest_with("hang", "limits = { timeout = \"100ms\" }"));
    assert_eq!(gate.reload().await.status(), 200);
    let answer = within(Duration::from_secs(20), "the deadline", gate.get("/hang")).await;
    assert_eq!(answer.status(), 504);
}

#[tokio::test]
async fn systemd_may_hand_over_the_socket() {
    let address = free_address("127.0.0.78");
    // sd_listen_fds(3): descriptor 3 is an open socket; python opens it as systemd would.
    let script = format!(
        "exec python3 -c 'import os,socket,sys\ns=socket.socket()\ns.setsockopt(1,2,1)\ns.bind((\"{}\",{}))\ns.listen(9)\nos.dup2(s.fileno(),3,True)\nos.environ[\"LISTEN_FDS\"]=\"1\"\nos.environ[\"LISTEN_PID\"]=str(os.getpid())\nos.execv(sys.argv[1],sys.argv[1:])' \"$@\"",
        address.ip(),
        address.port()
    );
    if std::process::Command::new("python3")
        .arg("-V")
        .output()
        .is_err()
    {
        return crate::support::missing("there is no python3 to open the socket");
    }
    let setup = Setup::default().listen(address).wrapper(&script);
    let gate = setup.route(&fixed("/", "ok")).start().await;
    assert_eq!(Connection::http1(address).await.get("/").await.text(), "ok");
    assert_eq!(gate.get("/").await.text(), "ok");
}
