//! `actor`, `key` and `mailbox` of `[component.NAME.instances]`: instances that live long.

use std::num::NonZeroU32;

use crate::config::raw::{RawActorKey, RawInstances};
use crate::config::read::{At, Field, Place, Problems, present};
use crate::core::{Actor, ActorKey};

use super::headers;

/// Requests and messages that wait for one instance.
const MAILBOX: NonZeroU32 = NonZeroU32::new(1_024).unwrap();

pub(super) fn actor(raw: &RawInstances, problems: &mut Problems<'_>) -> Option<Actor> {
    let key = raw.key.given().and_then(|raw| key(raw, problems));
    let is_actor = raw.actor.or(false);
    // Of one with a slip in it nobody knows what was meant.
    if !matches!(raw.actor, Field::Unreadable) {
        match is_actor {
            true => refuse_pool(raw, problems),
            false => refuse_keys_of_actors(raw, problems),
        }
    }
    let mailbox = raw.mailbox.value().map_or(MAILBOX, |most| most.0);
    is_actor.then_some(Actor { key, mailbox })
}

fn place<T>(field: &Field<T>) -> Option<&Place> {
    field.given().map(|given| &given.place)
}

/// What says how many instances serve how often is for those that many requests share.
fn refuse_pool(raw: &RawInstances, problems: &mut Problems<'_>) {
    let keys = [
        ("reuse", place(&raw.reuse)),
        ("concurrent", place(&raw.concurrent)),
        ("ready", place(&raw.ready)),
    ];
    for (key, place) in keys {
        if let Some(place) = place {
            let help = "an actor's instance takes one request after the other for as long as it \
                lives: leave it out";
            problems
                .error(place, format!("{key} and an actor exclude each other"))
                .help(help);
        }
    }
    if raw.key.is_absent() {
        warn_of_single(raw, problems);
    }
}

fn warn_of_single(raw: &RawInstances, problems: &mut Problems<'_>) {
    let keys = [
        ("max", place(&raw.max)),
        ("idle_timeout", place(&raw.idle_timeout)),
    ];
    for (key, place) in keys {
        if let Some(place) = place {
            let message =
                format!("{key} has no effect: an actor without key is one instance that stays");
            problems.warn(place, message).help(
                "write key = { header = \"x-user-id\" } for one instance each, or leave it out",
            );
        }
    }
}

fn refuse_keys_of_actors(raw: &RawInstances, problems: &mut Problems<'_>) {
    let keys = [("key", place(&raw.key)), ("mailbox", place(&raw.mailbox))];
    for (key, place) in keys {
        if let Some(place) = place {
            problems
                .error(place, format!("{key} is for actors only"))
                .help("write actor = true beside it, or leave it out");
        }
    }
}

fn key(raw: &At<RawActorKey>, problems: &mut Problems<'_>) -> Option<ActorKey> {
    let named = present([
        ("header", !raw.header.is_absent()),
        ("field", !raw.field.is_absent()),
    ]);
    match named[..] {
        [_] => {}
        [] => {
            problems
                .error(&raw.place, "nothing says where the key is")
                .help("write { header = \"x-user-id\" } or { field = \"user\" }");
        }
        _ => {
            problems
                .error(&raw.place, "a key is in one place, found header and field")
                .help("leave out one of them");
        }
    }
    if let Some(header) = raw.header.given() {
        headers::refuse_hop_by_hop(header, problems);
    }
    let header = raw.header.value().cloned().map(ActorKey::Header);
    let field = raw.field.value();
    header.or_else(|| field.map(|field| ActorKey::Field(field.0.clone())))
}
