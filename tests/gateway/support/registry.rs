//! An OCI registry: Debian's `docker-registry`, as a process of its own, and what is pushed to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use airgate::security::digest;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::missing;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Of the CNCF's layout for Wasm artifacts: the layer that is the component, and its configuration.
pub const WASM: &str = "application/wasm";
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// A registry that runs; it and all it has end with the test.
pub struct Registry {
    process: Child,
    client: reqwest::Client,
    /// `127.0.0.1:PORT`.
    pub address: String,
    _storage: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What describes `bytes` in a manifest.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

/// A manifest of these layers.
pub fn manifest(layers: &[Value]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, b"{}"),
        "layers": layers,
    })
}

impl Registry {
    /// Or none, where the program is not installed.
    pub fn start() -> Option<Self> {
        let storage = tempfile::tempdir().unwrap();
        let file = storage.path().join("config.yml");
        let config = format!(
            "version: 0.1\nlog: {{ level: info }}\nhttp: {{ addr: '127.0.0.1:0' }}\n\
             storage: {{ filesystem: {{ rootdirectory: {:?} }} }}\n",
            storage.path().join("data")
        );
        std::fs::write(&file, config).unwrap();
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Ok(process) => Some(Self::of(process, storage)),
            Err(_) => {
                missing("docker-registry is not installed; run apt-get install docker-registry");
                None
            }
        }
    }

    fn of(mut process: Child, storage: TempDir) -> Self {
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, after) = line.split_once("listening on ")?;
                let end = after.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
                Some(after[..end.unwrap_or(after.len())].to_owned())
            })
            .expect("docker-registry says where it listens");
        // Or it waits for somebody to read what it says.
        std::thread::spawn(move || lines.for_each(drop));
        // reqwest takes the provider of the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            process,
            client,
            address,
            _storage: storage,
        }
    }

    /// A component under a tag, as `wkg` pushes it; gives the digest of its manifest.
    pub async fn push(&self, name: &str, tag: &str, component: &[u8]) -> String {
        let layers = [descriptor(WASM, component)];
        self.push_all(name, tag, &manifest(&layers), &[component])
            .await
    }

    /// This manifest, and these layers of it.
    pub async fn push_all(
        &self,
        name: &str,
        tag: &str,
        manifest: &Value,
        layers: &[&[u8]],
    ) -> String {
        for bytes in layers.iter().chain(&[b"{}".as_slice()]) {
            self.push_blob(name, bytes).await;
        }
        let url = format!("http://{}/v2/{name}/manifests/{tag}", self.address);
        let text = manifest.to_string();
        let put = self.client.put(url).header(CONTENT_TYPE, MANIFEST);
        let answer = put.body(text.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        digest(text.as_bytes()).to_string()
    }

    async fn push_blob(&self, name: &str, bytes: &[u8]) {
        let url = format!("http://{}/v2/{name}/blobs/uploads/", self.address);
        let begun = self.client.post(url).send().await.unwrap();
        assert_eq!(begun.status(), 202);
        let place = begun.headers()[LOCATION].to_str().unwrap();
        let url = format!("{place}&digest={}", digest(bytes));
        let put = self.client.put(url).body(bytes.to_vec());
        assert_eq!(put.send().await.unwrap().status(), 201);
    }
}
