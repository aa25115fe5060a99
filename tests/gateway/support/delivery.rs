//! Deploying: what the admin API offers, and components that differ in nothing but a byte.

use http::Request;
use serde_json::Value;

use super::{Answer, Gate, body, empty, eventually, get, guest};

/// The bytes of a component of `fixtures/`.
pub fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(guest(name)).unwrap()
}

/// The same component with other bytes: a custom section more.
pub fn marked(wasm: &[u8], mark: &str) -> Vec<u8> {
    let mut section = vec![4];
    section.extend(b"mark");
    section.extend(mark.as_bytes());
    assert!(section.len() < 128, "one byte of length");
    let mut marked = wasm.to_vec();
    marked.extend([0, section.len() as u8]);
    marked.extend(section);
    marked
}

impl Gate {
    /// Sends a version.
    pub async fn put_version(&self, component: &str, version: &str, wasm: Vec<u8>) -> Answer {
        self.put_version_with(component, version, wasm, "").await
    }

    /// As [`Gate::put_version`], with a query.
    pub async fn put_version_with(
        &self,
        component: &str,
        version: &str,
        wasm: Vec<u8>,
        query: &str,
    ) -> Answer {
        let path = format!("/v1/components/{component}/versions/{version}?{query}");
        let request = Request::put(path).header("content-type", "application/wasm");
        self.admin(request.body(body(wasm)).unwrap()).await
    }

    /// Sends a version that must be taken.
    pub async fn deploy(&self, component: &str, version: &str, wasm: Vec<u8>) -> Value {
        let answer = self.put_version(component, version, wasm).await;
        assert_eq!(answer.status(), 201, "{}", answer.text());
        answer.json()
    }

    /// `rollback`, `promote`, `pause`, `resume` or `abort`.
    pub async fn steer(&self, component: &str, verb: &str) -> Answer {
        self.steer_with(component, verb, "{}").await
    }

    pub async fn steer_with(&self, component: &str, verb: &str, json: &str) -> Answer {
        let path = format!("/v1/components/{component}/{verb}");
        let request = Request::post(path).header("content-type", "application/json");
        self.admin(request.body(body(json.to_owned())).unwrap())
            .await
    }

    pub async fn set_traffic(&self, component: &str, json: &str) -> Answer {
        let path = format!("/v1/components/{component}/traffic");
        let request = Request::put(path).header("content-type", "application/json");
        self.admin(request.body(body(json.to_owned())).unwrap())
            .await
    }

    /// How a component is delivered now.
    pub async fn delivery(&self, component: &str) -> Value {
        let path = format!("/v1/components/{component}/delivery");
        let answer = self.admin(get(&path)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json()
    }

    /// Where its last rollout is.
    pub async fn phase(&self, component: &str) -> String {
        let delivery = self.delivery(component).await;
        let phase = delivery["rollout"]["phase"].as_str();
        phase.unwrap_or("none").to_owned()
    }

    pub async fn reaches(&self, component: &str, phase: &str) {
        let what = format!("the rollout is {phase}");
        eventually(&what, async || self.phase(component).await == phase).await;
    }

    /// The journal of a component, the newest record first.
    pub async fn history(&self, component: &str) -> Vec<Value> {
        let path = format!("/v1/components/{component}/history?limit=1000");
        let answer = self.admin(get(&path)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json().as_array().unwrap().clone()
    }

    /// Reloads a configuration that must be taken.
    pub async fn reloads(&self) {
        let answer = self
            .admin(Request::post("/v1/reload").body(empty()).unwrap())
            .await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
}
