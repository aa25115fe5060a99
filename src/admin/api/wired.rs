//! A node with stores and a bus and nothing else, for tests, and its API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Settings, router};
use crate::admin::access::{AdminTokens, Hosts};
use crate::admin::{Node, Readiness, ReloadFailure};
use crate::config::{self, Config, Token};
use crate::core::{
    Backup, BusObserver, BusSpec, ByteSize, DeadLetters, KvStore, MessageBus, MessageOutcome,
    Quota, StoreName, StoreSpec, Stores, Subscription, SubscriptionObserver,
};
use crate::lifecycle::{Delivery, Deployments};
use crate::messaging::LocalBus;
use crate::security::AuditTrail;
use crate::storage::MemoryStore;

struct Wired {
    trail: Arc<AuditTrail>,
    config: Arc<Config>,
    store: Arc<MemoryStore>,
    bus: Arc<LocalBus>,
}

/// One store, `default`, and its other name, `elsewhere`, under which it has no backups.
struct One(Arc<MemoryStore>);

impl Stores for One {
    fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>> {
        let known = matches!(name.as_str(), "default" | "elsewhere");
        known.then(|| self.0.clone() as Arc<dyn KvStore>)
    }

    fn backup(&self, name: &StoreName) -> Option<Arc<dyn Backup>> {
        (name.as_str() == "default").then(|| self.0.clone() as Arc<dyn Backup>)
    }

    fn names(&self) -> Vec<StoreName> {
        vec!["default".parse().unwrap()]
    }
}

struct Nobody;

impl BusObserver for Nobody {
    fn subscription(&self, _: &Subscription) -> Arc<dyn SubscriptionObserver> {
        Arc::new(Self)
    }
}

impl SubscriptionObserver for Nobody {
    fn count(&self, _: MessageOutcome) {}

    fn handled_after(&self, _: Duration) {}
}

#[async_trait::async_trait]
impl Node for Wired {
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    fn metrics(&self) -> String {
        unreachable!("nobody asks for it")
    }

    fn config(&self) -> Arc<Config> {
        self.config.clone()
    }

    fn deployments(&self) -> Arc<Deployments> {
        Arc::default()
    }

    fn delivery(&self) -> &Arc<Delivery> {
        unreachable!("nobody asks for it")
    }

    fn audit(&self) -> &AuditTrail {
        &self.trail
    }

    fn stores(&self) -> Arc<dyn Stores> {
        Arc::new(One(self.store.clone()))
    }

    fn bus(&self) -> Arc<dyn MessageBus> {
        self.bus.clone()
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.bus.clone()
    }

    async fn reload(&self) -> Result<(), ReloadFailure> {
        Ok(())
    }

    fn drain(&self) {}
}

/// The API of such a node; everything is asked by an admin.
pub(super) struct Api {
    router: Router,
    pub bus: Arc<LocalBus>,
    pub trail: Arc<AuditTrail>,
}

/// What was answered.
pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Api {
    pub fn new() -> Self {
        let spec = StoreSpec {
            quota: Quota {
                bytes: ByteSize(1_000),
                keys: 3,
            },
            max_value: ByteSize(100),
            ..StoreSpec::default()
        };
        let name = "default".parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("routes.toml");
        std::fs::write(&file, "version = 1\n").unwrap();
        let (mut config, _) = config::load(&file).unwrap();
        config.stores = [(name, spec.clone())].into();
        let runtime = tokio::runtime::Handle::current();
        let bus = LocalBus::new(BusSpec::default(), runtime, Arc::new(Nobody));
        let trail = AuditTrail::in_memory();
        let node = Wired {
            trail: trail.clone(),
            config: config.into(),
            store: Arc::new(MemoryStore::new(spec)),
            bus: bus.clone(),
        };
        let token = Token::new("secret".into());
        let tokens = AdminTokens::open(Some(&token), [], "/nowhere".as_ref());
        let settings = Settings {
            tokens: tokens.unwrap(),
            hosts: Hosts::new(Some("127.0.0.1:9901".parse().unwrap()), Vec::new()),
            artifact_limit: ByteSize(1_000),
        };
        Self {
            router: router(Arc::new(node), settings),
            bus,
            trail,
        }
    }

    pub async fn open(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> axum::response::Response {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(HOST, "localhost");
        request = request.header(AUTHORIZATION, "Bearer secret");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn ask(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let response = self.open(line, headers, body).await;
        let (head, body) = response.into_parts();
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Without headers and body.
    pub async fn simply(&self, line: &str) -> Reply {
        self.ask(line, &[], Body::empty()).await
    }
}
