//! The endpoints of stores. Keys and values may be secrets of components: they are for admins.

use super::endpoint::Endpoint;
use super::table::{delete, get, post, put};
use crate::admin::handle::stores;
use crate::admin::views;
use crate::core::Role;

const KEYS: &str = "/v1/stores/{store}/spaces/{component}/keys";
const KEY: &str = "/v1/stores/{store}/spaces/{component}/keys/{key}";
const ETAG: &str = "The revision of the value: send it back as `If-Match`.";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/v1/stores", Role::Read, stores::list)
            .summary("The stores, and what each component has in them")
            .answers::<views::StoresView>(200, "By name."),
        get(KEYS, Role::Admin, stores::keys)
            .summary("The keys of a component in a store")
            .query::<stores::KeyParameters>()
            .answers::<views::KeysView>(200, "In the order of their bytes.")
            .problems(&[404, 500, 503]),
        value(),
        set(),
        delete(KEY, Role::Admin, stores::delete)
            .summary("Deletes a value")
            .answers_nothing(204, "It is gone.")
            .problems(&[404, 500, 503]),
        post(
            "/v1/stores/{store}/spaces/{component}/keys/{key}/increment",
            Role::Admin,
            stores::increment,
        )
        .summary("Adds to a number in decimal text")
        .description("A key without a value counts as 0; a number that expires keeps its time.")
        .json::<stores::Increment>(true)
        .answers::<views::Incremented>(200, "The sum.")
        .problems(&[404, 409, 422, 500, 503]),
        get("/v1/stores/{store}/backup", Role::Admin, stores::backup)
            .summary("Everything in a store, as it is at one moment")
            .description("Others go on meanwhile. It takes at most an hour, and breaks off for who reads too slowly. The last line has a hash of all before it: what broke off, or was altered, cannot be restored.")
            .answers_bytes(200, "application/jsonl", "A head, a line a value, and a last line.")
            .problems(&[404, 409, 500, 503]),
        post("/v1/stores/{store}/restore", Role::Admin, stores::restore)
            .summary("Replaces everything in a store by a backup of it")
            .description("All of it or nothing, when the last byte has come; others go on meanwhile. Quotas do not count, but what a store in memory takes is bounded.")
            .bytes()
            .answers::<views::Restored>(200, "It is as it was saved.")
            .problems(&[404, 409, 500, 503]),
    ]
}

fn value() -> Endpoint {
    get(KEY, Role::Admin, stores::get)
        .summary("A value")
        .description("The key is percent-encoded, `/` too.")
        .header("If-None-Match", "Revisions that are known already.")
        .answers_bytes(200, "application/octet-stream", "As it is.")
        .with("ETag", ETAG)
        .with("X-Airgate-Expires", "When it will be gone, if ever.")
        .answers_nothing(304, "It has not changed.")
        .with("ETag", ETAG)
        .problems(&[404, 500, 503])
}

fn set() -> Endpoint {
    put(KEY, Role::Admin, stores::put)
        .summary("Sets a value")
        .query::<stores::ValueParameters>()
        .header(
            "If-Match",
            "The revision that the value must have, or `*`: it must have any.",
        )
        .header("If-None-Match", "`*`: there must be no value.")
        .bytes()
        .answers_nothing(204, "It is set.")
        .with("ETag", "The new revision, where one was asked for.")
        .problems(&[404, 409, 412, 500, 503])
}
