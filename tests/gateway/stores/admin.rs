//! What an operator sees and does: by the admin API and by `airgate kv`.

use http::Request;

use super::{kv, ok};
use crate::support::{Gate, airgate, body, empty, get};

fn run(gate: &Gate, arguments: &[&str]) -> std::process::Output {
    let config = gate.config();
    let address = format!("http://{}", gate.admin_address());
    let mut all = arguments.to_vec();
    all.extend(["--config", config.to_str().unwrap(), "--admin", &address]);
    airgate(&all)
}

fn said(output: &std::process::Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_looks_at_keys_and_edits_them() {
    let gate = kv().start().await;
    assert_eq!(ok(&gate.get("/kv/set?key=a%2Fb%20c&value=1").await), "ok");
    assert_eq!(said(&run(&gate, &["kv", "get", "kv", "a/b c"])), "1");
    assert!(said(&run(&gate, &["kv", "list", "kv"])).contains("a/b c"));
    said(&run(&gate, &["kv", "set", "kv", "new", "from outside"]));
    assert_eq!(ok(&gate.get("/kv/get?key=new").await), "value from outside");
    assert_eq!(said(&run(&gate, &["kv", "increment", "kv", "n"])), "1");
    said(&run(&gate, &["kv", "delete", "kv", "new"]));
    assert_eq!(ok(&gate.get("/kv/get?key=new").await), "none");
    let missing = run(&gate, &["kv", "get", "kv", "new"]);
    assert_eq!(missing.status.code(), Some(1));
    let usage = said(&run(&gate, &["kv", "usage", "--json"]));
    let usage: serde_json::Value = serde_json::from_str(&usage).unwrap();
    assert!(usage.to_string().contains("\"kv\""), "{usage}");
    let trail = gate.audit("limit=100").await;
    let told = trail
        .iter()
        .any(|it| it.to_string().contains("from outside"));
    assert!(!told, "no values in the trail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_running_can_be_put_back() {
    let gate = kv().start().await;
    for n in 0..300 {
        assert_eq!(
            ok(&gate.get(&format!("/kv/set?key=k{n}&value={n}")).await),
            "ok"
        );
    }
    let file = gate.dir().join("backup.jsonl");
    let file = file.to_str().unwrap();
    said(&run(
        &gate,
        &["kv", "backup", "--store", "default", "--output", file],
    ));
    let whole = std::fs::read(file).unwrap();
    assert_eq!(ok(&gate.get("/kv/set?key=k0&value=changed").await), "ok");
    assert_eq!(ok(&gate.get("/kv/set?key=later&value=1").await), "ok");
    // Half of it, or one digit of it another, changes nothing.
    let mut altered = whole.clone();
    let place = altered.len() / 2;
    altered[place] = altered[place].wrapping_add(1);
    for bad in [&whole[..whole.len() / 2], &altered, b"{}"] {
        std::fs::write(file, bad).unwrap();
        let refused = run(
            &gate,
            &["kv", "restore", "--store", "default", file, "--yes"],
        );
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(ok(&gate.get("/kv/get?key=later").await), "value 1");
    }
    std::fs::write(file, &whole).unwrap();
    let unconfirmed = run(&gate, &["kv", "restore", "--store", "default", file]);
    assert!(!unconfirmed.status.success(), "nobody is there to be asked");
    said(&run(
        &gate,
        &["kv", "restore", "--store", "default", file, "--yes"],
    ));
    assert_eq!(ok(&gate.get("/kv/get?key=k0").await), "value 0");
    assert_eq!(ok(&gate.get("/kv/get?key=later").await), "none");
    assert_eq!(ok(&gate.get("/kv/get?key=k299").await), "value 299");
}

#[tokio::test]
async fn edits_can_be_made_to_depend_on_what_is_there() {
    let gate = kv().start().await;
    let path = "/v1/stores/default/spaces/kv/keys/a";
    let put = |condition: &'static str, etag: &str, text: &'static str| {
        Request::put(path)
            .header(condition, etag)
            .body(body(text))
            .unwrap()
    };
    let first = gate.admin(put("if-none-match", "*", "1")).await;
    assert_eq!(first.status(), 204, "{}", first.text());
    assert_eq!(
        gate.admin(put("if-none-match", "*", "2")).await.status(),
        412
    );
    let read = gate.admin(get(path)).await;
    let etag = read.header("etag").to_owned();
    assert_eq!(gate.admin(put("if-match", &etag, "3")).await.status(), 204);
    assert_eq!(gate.admin(put("if-match", &etag, "4")).await.status(), 412);
    assert_eq!(gate.admin(get(path)).await.text(), "3");
    let delete = Request::delete(path).body(empty()).unwrap();
    assert_eq!(gate.admin(delete).await.status(), 204);
    assert_eq!(gate.admin(get(path)).await.status(), 404);
    let nowhere = gate.admin(get("/v1/stores/nowhere/spaces/kv/keys/a")).await;
    assert_eq!(nowhere.status(), 404);
}
