//! Several operators, and weights that mean nothing.

use http::Request;
use http::header::ETAG;
use serde_json::json;

use super::shop::{Shop, assert_problem};
use crate::support::empty;

#[tokio::test]
async fn two_operators_cannot_overwrite_each_other() {
    let shop = Shop::open().await;
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    // Both have seen the same.
    let (mine, yours) = (shop.delivery().await, shop.delivery().await);
    let (mine, yours) = (mine.header("etag"), yours.header("etag"));
    assert_eq!(mine, yours);
    let first = shop
        .set_traffic(json!({ "1.0": 9, "2.0": 1 }), Some(mine))
        .await;
    assert_eq!(first.status(), 200, "{}", first.text());
    let second = shop
        .set_traffic(json!({ "1.0": 1, "2.0": 9 }), Some(yours))
        .await;
    assert_problem(&second, 412, None);
    let now = shop.delivery().await;
    assert_eq!(second.json()["generation"], now.json()["generation"]);
    assert_eq!(now.json()["traffic"], json!({ "1.0": 9, "2.0": 1 }));
    let anyway = shop
        .set_traffic(json!({ "1.0": 1, "2.0": 9 }), Some("*"))
        .await;
    assert_eq!(anyway.status(), 200);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let shop = Shop::open().await;
    let tag = shop.delivery().await.headers[ETAG].clone();
    let ask = async || {
        let request = Request::get("/v1/components/cart/delivery");
        let request = request.header("if-none-match", &tag);
        shop.ask_as("read", request.body(empty()).unwrap()).await
    };
    let known = ask().await;
    assert_eq!((known.status(), known.text()), (304, ""));
    assert_eq!(known.headers[ETAG], tag);
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    assert_eq!(ask().await.status(), 200);
}

#[tokio::test]
async fn weights_that_mean_nothing_are_refused_by_name() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    for (weights, field) in [
        (json!({ "1.0": 0 }), "traffic"),
        (json!({}), "traffic"),
        (json!({ "1.0": 1, "9.9": 1 }), "9.9"),
        (json!({ "1.0": -1 }), "1.0"),
        (json!({ "1.0": 4_294_967_296_u64 }), "1.0"),
        (json!({ "1.0": "all" }), "1.0"),
    ] {
        let answer = shop.set_traffic(weights, None).await;
        assert_problem(&answer, 422, Some(field));
    }
    assert_problem(&shop.set_traffic(json!([1]), None).await, 422, None);
    assert_eq!(shop.delivery().await.text(), before.text());
}
