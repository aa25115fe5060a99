//! Origins that send guests elsewhere.

use super::witness::Witness;
use super::{assert_unharmed, denials, fetch, granting, setup};
use crate::support::guest;

const METADATA: &str = "http://169.254.169.254/latest/meta-data/";

fn redirect(location: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_redirect_to_metadata_is_not_followed() {
    let origin = Witness::answering(redirect(METADATA)).await;
    let here = format!("http://127.0.0.1:{}", origin.port());
    let grants = format!("http = [{here:?}], private_networks = true");
    let gate = setup()
        .guest_with("fetch", &granting(&grants))
        .start()
        .await;
    assert_eq!(fetch(&gate, "fetch", "", &here).await, ["302 0 "]);
    assert_eq!(origin.connections().await, 1);
    // The guest goes there by itself.
    for url in [
        METADATA,
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
    ] {
        let denied = ["denied:http-request-denied"];
        assert_eq!(fetch(&gate, "fetch", "", url).await, denied, "{url}");
    }
    assert_eq!(denials(&gate, "fetch", "http").await, 3);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn a_redirect_inwards_leads_nowhere() {
    let inside = Witness::start().await;
    let target = format!("http://127.0.0.1:{}", inside.port());
    let origin = Witness::answering(redirect(&target)).await;
    let here = format!("http://127.0.0.1:{}", origin.port());
    let grant = |urls: &[&str]| granting(&format!("http = {urls:?}, private_networks = true"));
    let gate = setup()
        .guest_with("fetch", &grant(&[&here]))
        .component("wide", &guest("fetch"), &grant(&[&here, &target]))
        .route("prefix = \"/wide\"\ncomponent = \"wide\"")
        .start()
        .await;
    assert_eq!(fetch(&gate, "fetch", "n=10", &here).await.len(), 10);
    let denied = ["denied:http-request-denied"];
    assert_eq!(fetch(&gate, "fetch", "", &target).await, denied);
    assert_eq!(
        (origin.connections().await, inside.connections().await),
        (10, 0)
    );
    // Nobody follows for those who may go there either.
    assert_eq!(fetch(&gate, "wide", "", &here).await, ["302 0 "]);
    assert_eq!(inside.connections().await, 0);
    assert_eq!(fetch(&gate, "wide", "", &target).await, ["200 7 reached"]);
    assert_eq!(inside.connections().await, 1);
}
