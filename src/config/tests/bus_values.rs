//! What the keys of stores, bus, supervision and actors mean once they are right.

use std::num::NonZeroU32;
use std::time::Duration;

use http::Method;

use super::example::BUS;
use super::{BASE, config, config_with, directory, parse_in};
use crate::config::{Config, MessageRequest, Target};
use crate::core::{
    Actor, ActorKey, Backoff, BusSpec, ByteSize, HealthPolling, Instances, KvAccess, Overflow,
    Quota, StoreBackend, StoreSpec, SubscriptionSpec, Supervision, SupervisionStrategy,
};

fn example() -> Config {
    let directory = directory();
    let (config, warnings) = parse_in(directory.path(), BUS).unwrap_or_else(|it| panic!("{it}"));
    assert!(warnings.is_empty(), "{warnings}");
    config
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn without_any_of_it_all_is_at_its_default() {
    let config = config(BASE);
    assert!(config.stores.is_empty());
    assert_eq!(config.bus, BusSpec::default());
    let component = &config.components["a"];
    assert!(component.subscriptions.is_empty());
    assert_eq!(component.supervision, Supervision::default());
    assert_eq!(component.instances, Instances::default());
    assert!(component.grants.keyvalue.is_empty());
}

#[test]
fn stores_are_as_described_and_default_needs_no_description() {
    let stores = example().stores;
    let described = StoreSpec {
        backend: StoreBackend::Memory,
        quota: Quota {
            bytes: ByteSize(1 << 20),
            keys: 1_000,
        },
        max_value: ByteSize(64 << 10),
    };
    assert_eq!(stores["sessions"], described);
    assert_eq!(stores["default"].quota.keys, 50_000);
    let config = config_with("[component.a.capabilities]\nkeyvalue = { default = \"read\" }");
    assert_eq!(config.stores["default"], StoreSpec::default());
    assert_eq!(config.stores.len(), 1);
    let granted = &config.components["a"].grants.keyvalue;
    assert_eq!(granted["default"], KvAccess::Read);
}

#[test]
fn the_bus_and_its_subscriptions_are_as_described() {
    let config = example();
    assert_eq!(config.bus.bounds.body, ByteSize(2 << 20));
    assert_eq!(config.bus.dead_letters.as_str(), "shop.dead");
    assert_eq!(config.bus.max_caused, number(5_000));
    let expected = SubscriptionSpec {
        topic: "orders.*".parse().unwrap(),
        group: Some("cart-workers".parse().unwrap()),
        queue: number(256),
        queue_bytes: ByteSize(4 << 20),
        overflow: Overflow::DropOldest,
        concurrency: number(4),
        attempts: number(3),
        backoff: Backoff {
            first: Duration::from_millis(50),
            most: Duration::from_secs(5),
        },
    };
    let plain = SubscriptionSpec::to("prices.>".parse().unwrap());
    assert_eq!(config.components["cart"].subscriptions, [expected, plain]);
}

#[test]
fn supervision_is_as_described() {
    let expected = Supervision {
        strategy: SupervisionStrategy::Escalate,
        max_restarts: 2,
        within: Duration::from_secs(30),
        backoff: Backoff {
            first: Duration::from_millis(200),
            most: Duration::from_secs(10),
        },
        group: Some("shop".parse().unwrap()),
        health: HealthPolling {
            interval: Duration::from_secs(5),
            timeout: Duration::from_millis(500),
            failures: number(2),
        },
        shutdown_timeout: Duration::from_secs(8),
    };
    assert_eq!(example().components["cart"].supervision, expected);
}

#[test]
fn actors_are_one_or_one_for_each_key() {
    let config = example();
    let keyed = Instances {
        actor: Some(Actor {
            key: Some(ActorKey::Header("x-user-id".parse().unwrap())),
            mailbox: number(64),
        }),
        max: number(32),
        idle_timeout: Duration::from_secs(300),
        ..Instances::default()
    };
    assert_eq!(config.components["stock"].instances, keyed);
    let actor = |name: &str| config.components[name].instances.actor.clone().unwrap();
    assert_eq!(actor("ledger").key, Some(ActorKey::Field("user".into())));
    let single = Actor {
        key: None,
        mailbox: number(1_024),
    };
    assert_eq!(actor("clock"), single);
    let at_once = |name: &str| config.components[name].subscriptions[0].concurrency.get();
    assert_eq!(["stock", "ledger", "clock"].map(at_once), [16, 16, 1]);
}

#[test]
fn an_actor_that_is_none_is_a_pool() {
    let config = config_with("[component.a.instances]\nactor = false\nmax = 3");
    let instances = &config.components["a"].instances;
    assert_eq!((&instances.actor, instances.max.get()), (&None, 3));
}

#[test]
fn routes_lead_to_topics_by_the_methods_that_suit_them() {
    let routes = example().routes;
    let targets: Vec<_> = routes.iter().map(|route| route.target.clone()).collect();
    let reserve = |seconds| {
        Target::Request(MessageRequest {
            topic: "stock.reserve".parse().unwrap(),
            timeout: Duration::from_secs(seconds),
        })
    };
    let expected = [
        Target::Publish("orders.created".parse().unwrap()),
        Target::Events("orders.*".parse().unwrap()),
        reserve(2),
        reserve(5),
    ];
    assert_eq!(targets, expected);
    let methods: Vec<_> = routes.iter().map(|route| &route.methods[..]).collect();
    let send = [Method::POST, Method::PUT];
    let get = [Method::GET];
    assert_eq!(methods, [&send[..], &get, &send, &get]);
}

#[test]
fn the_example_of_the_bus_has_every_key() {
    let example: serde_json::Value = toml::from_str(BUS).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&crate::config::schema()).unwrap();
    let keys = |table: &serde_json::Value| -> Vec<String> {
        table.as_object().unwrap().keys().cloned().collect()
    };
    let component = &schema["properties"]["component"]["additionalProperties"]["properties"];
    let cart = &example["component"]["cart"];
    for (written, known) in [
        (
            &example["storage"]["sessions"],
            &schema["properties"]["storage"]["additionalProperties"],
        ),
        (&example["bus"], &schema["properties"]["bus"]),
        (&cart["subscribe"][0], &component["subscribe"]["items"]),
        (&cart["supervision"], &component["supervision"]),
    ] {
        assert_eq!(keys(written), keys(&known["properties"]));
    }
}
