//! The grants themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use crate::core::{ComponentName, KvAccess, StoreName, TopicPattern};

/// Everything one component is granted.
#[derive(Debug, Clone, PartialEq)]
pub struct Grants {
    pub http: Vec<HttpGrant>,
    /// `http` and `sockets` may lead to loopback, private and link-local addresses.
    pub private_networks: bool,
    /// In-process calls to `http://NAME.internal/…`.
    pub components: Vec<ComponentName>,
    pub environment: BTreeMap<String, Secret>,
    /// What `wasi:config` tells.
    pub config: BTreeMap<String, Secret>,
    pub files: Vec<FileGrant>,
    pub sockets: Vec<SocketGrant>,
    /// Stores, and what may be done with them.
    pub keyvalue: BTreeMap<StoreName, KvAccess>,
    /// Topics that it may send messages to.
    pub publish: Vec<TopicPattern>,
    /// Topics that it may send requests to.
    pub request: Vec<TopicPattern>,
    pub clocks: bool,
    pub random: bool,
    /// Grants of an embedding program's own capabilities, by their names.
    pub custom: BTreeMap<String, serde_json::Value>,
    pub mode: GrantMode,
}

impl Grants {
    /// Whether a guest may ask or tell anybody else anything.
    pub fn reaches_others(&self) -> bool {
        !self.http.is_empty()
            || !self.components.is_empty()
            || !self.publish.is_empty()
            || !self.request.is_empty()
            || self.mode == GrantMode::Audit
    }

    /// What leaves no trace outside: nobody is asked, and files can only be read.
    #[must_use]
    pub fn without_effects(&self) -> Self {
        let read_only = |grant: &FileGrant| FileGrant {
            mode: FileMode::Read,
            ..grant.clone()
        };
        let read_store = |name: &StoreName| (name.clone(), KvAccess::Read);
        Self {
            http: Vec::new(),
            components: Vec::new(),
            sockets: Vec::new(),
            keyvalue: self.keyvalue.keys().map(read_store).collect(),
            publish: Vec::new(),
            request: Vec::new(),
            custom: BTreeMap::new(),
            files: self.files.iter().map(read_only).collect(),
            mode: GrantMode::Enforce,
            ..self.clone()
        }
    }
}

impl Grants {
    /// What is granted, in one line, without any value that may be secret.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        let mut part = |key: &str, all: Vec<String>| {
            if !all.is_empty() {
                parts.push(format!("{key} {}", all.join(" ")));
            }
        };
        let texts = |all: &[HttpGrant]| all.iter().map(ToString::to_string).collect();
        part("http", texts(&self.http));
        part(
            "sockets",
            self.sockets.iter().map(ToString::to_string).collect(),
        );
        part(
            "components",
            self.components.iter().map(ToString::to_string).collect(),
        );
        part("environment", self.environment.keys().cloned().collect());
        part("config", self.config.keys().cloned().collect());
        part(
            "files",
            self.files.iter().map(|file| file.at.clone()).collect(),
        );
        part(
            "keyvalue",
            self.keyvalue.keys().map(ToString::to_string).collect(),
        );
        let topics = |all: &[TopicPattern]| all.iter().map(ToString::to_string).collect();
        part("publish", topics(&self.publish));
        part("request", topics(&self.request));
        part("custom", self.custom.keys().cloned().collect());
        if self.private_networks {
            parts.push("private_networks".into());
        }
        for (name, granted) in [("clocks", self.clocks), ("random", self.random)] {
            if !granted {
                parts.push(format!("no {name}"));
            }
        }
        if self.mode == GrantMode::Audit {
            parts.push("mode audit".into());
        }
        match parts.is_empty() {
            true => "nothing".into(),
            false => parts.join("; "),
        }
    }
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            http: Vec::new(),
            private_networks: false,
            components: Vec::new(),
            environment: BTreeMap::new(),
            config: BTreeMap::new(),
            files: Vec::new(),
            sockets: Vec::new(),
            keyvalue: BTreeMap::new(),
            publish: Vec::new(),
            request: Vec::new(),
            clocks: true,
            random: true,
            custom: BTreeMap::new(),
            mode: GrantMode::Enforce,
        }
    }
}

/// What happens to a touch that is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrantMode {
    #[default]
    Enforce,
    /// Counted and logged, but allowed.
    Audit,
}

/// A text that may be a secret: no log, error or debug print shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the guest it is granted to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The two schemes of `wasi:http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HttpScheme {
    Http,
    Https,
}

impl HttpScheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Which hosts a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostGrant {
    /// `*`: every host.
    Any,
    /// One name, in lower case, without a dot at its end.
    Name(String),
    /// `*.example.com`: every name below `example.com`, but not itself. Without the `*.`.
    Below(String),
    /// One address; never v4-mapped.
    Address(IpAddr),
    /// All addresses of a network (sockets only); never v4-mapped.
    Network(IpNet),
}

/// Which ports a grant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortGrant {
    Any,
    One(u16),
}

/// One entry of `http`: `https://*.stock.example.com:8443`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HttpGrant {
    pub scheme: HttpScheme,
    pub host: HostGrant,
    pub port: PortGrant,
}

/// The transports of `wasi:sockets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One entry of `sockets`: `tcp://db.internal:5432`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketGrant {
    pub transport: Transport,
    pub host: HostGrant,
    pub port: PortGrant,
}

/// One entry of `files`: a directory of the host's that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    /// An absolute path of an existing directory.
    pub source: PathBuf,
    /// Where the guest sees it: absolute, without `.` and `..`.
    pub at: String,
    pub mode: FileMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileMode {
    #[default]
    Read,
    ReadWrite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let text = format!("{:?}", Secret::new("hunter2"));
        assert!(!text.contains("hunter2"));
    }
}
