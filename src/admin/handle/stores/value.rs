//! One value: `GET`, `PUT` and `DELETE …/keys/{key}`, and `POST …/increment`.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::write::Edit;
use crate::admin::answer::{Problem, done, not_modified, stored};
use crate::admin::api::{Context, Shared};
use crate::admin::request::{
    EntityTag, JsonBody, KeyPath, Pace, Parameters, Premise, Time, collect, is_known, text,
};
use crate::admin::views::Incremented;
use crate::core::{ByteSize, Key, StoreName, StoreSpec, Write};

const PACE: Pace = Pace {
    stall: Duration::from_secs(10),
    whole: Duration::from_secs(60),
};

/// How a value is kept.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct ValueParameters {
    /// How long it stays, such as `5m`; absent: until it is deleted.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    ttl: Option<Time>,
}

/// What is added to a number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Increment {
    delta: i64,
}

pub(in crate::admin) async fn get(
    KeyPath {
        store, space, key, ..
    }: KeyPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = store.get(&space, &key).await?;
    let found = found.ok_or_else(|| no_value(&key))?;
    let tag = EntityTag::of_revision(found.revision);
    Ok(match is_known(&headers, &tag)? {
        true => not_modified(&tag),
        false => stored(found),
    })
}

pub(in crate::admin) async fn put(
    State(shared): State<Shared>,
    path: KeyPath,
    Parameters(parameters): Parameters<ValueParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let premise = Premise::of(&headers)?;
    let _place = shared.changes.take()?;
    let value = collect(body, largest(&shared, &path.name), PACE).await?;
    let edit = Edit {
        store: &*path.store,
        space: &path.space,
        key: &path.key,
        value,
        ttl: parameters.ttl.map(|ttl| ttl.0),
    };
    Ok(done(edit.make(&premise).await?))
}

pub(in crate::admin) async fn delete(
    State(shared): State<Shared>,
    KeyPath {
        store, space, key, ..
    }: KeyPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if headers.contains_key(IF_MATCH) {
        let detail = "If-Match: a deletion cannot depend on what is deleted";
        return Err(Problem::bad_request(detail).field(IF_MATCH.as_str()));
    }
    let _place = shared.changes.take()?;
    let write = Write::Delete { key: key.clone() };
    match store.write(&space, vec![write]).await? {
        0 => Err(no_value(&key)),
        _ => Ok(done(None)),
    }
}

pub(in crate::admin) async fn increment(
    State(shared): State<Shared>,
    KeyPath {
        store, space, key, ..
    }: KeyPath,
    JsonBody(body): JsonBody<Increment>,
) -> Result<Json<Incremented>, Problem> {
    let Increment { delta } =
        body.ok_or_else(|| Problem::bad_request("send what is added, such as {\"delta\": 1}"))?;
    let _place = shared.changes.take()?;
    let value = store.increment(&space, &key, delta).await?;
    Ok(Json(Incremented { value }))
}

fn no_value(key: &Key) -> Problem {
    Problem::not_found(format!("there is no value under `{key}`"))
}

/// What the store would refuse need not be read.
fn largest(shared: &Context, store: &StoreName) -> ByteSize {
    let config = shared.node.config();
    let spec = config.stores.get(store);
    spec.map_or_else(|| StoreSpec::default().max_value, |spec| spec.max_value)
}
