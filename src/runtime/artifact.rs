//! The bytes of a component before anything of it is compiled: what they are, what they
//! export and what they ask for.

use serde::{Deserialize, Serialize};
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::core::Digest;
use crate::security::{DigestMismatch, verify};

/// Why bytes are not a component that can be served.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("it is not WebAssembly: it does not start with `\\0asm`")]
    NotWasm,
    #[error(
        "it is a core module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    #[error(
        "it exports no handler: it must export wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3 for requests, or wasi:messaging/incoming-handler@0.2.0-draft or wasmcloud:messaging/handler@0.2.0 for messages"
    )]
    NoHandler { exports: Vec<String> },
    #[error(transparent)]
    Digest(#[from] DigestMismatch),
}

/// Which HTTP handler a component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interface {
    /// `wasi:http/incoming-handler@0.2.x`.
    Wasi02,
    /// `wasi:http/handler@0.3.x`.
    Wasi03,
}

/// Which handler of messages a component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageInterface {
    /// `wasi:messaging/incoming-handler@0.2.0-draft`.
    Wasi,
    /// `wasmcloud:messaging/handler@0.2.0`.
    Wasmcloud,
}

/// What the gateway can call in a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handlers {
    pub http: Option<Interface>,
    pub messages: Option<MessageInterface>,
    /// `airssys:core/component-lifecycle@1`.
    pub lifecycle: bool,
}

/// What a component shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// It uses the asynchronous canonical ABI.
    pub concurrent: bool,
}

impl Surface {
    /// What can be called; `None` where nothing of it handles anything.
    pub fn handlers(&self) -> Option<Handlers> {
        let handlers = Handlers {
            http: self.interface(),
            messages: self.message_interface(),
            lifecycle: self.has("airssys:core/component-lifecycle@1."),
        };
        (handlers.http.is_some() || handlers.messages.is_some()).then_some(handlers)
    }

    fn has(&self, prefix: &str) -> bool {
        self.exports.iter().any(|name| name.starts_with(prefix))
    }

    /// The standard one where it has both.
    fn message_interface(&self) -> Option<MessageInterface> {
        if self.has("wasi:messaging/incoming-handler@0.2.0-draft") {
            Some(MessageInterface::Wasi)
        } else if self.has("wasmcloud:messaging/handler@0.2.") {
            Some(MessageInterface::Wasmcloud)
        } else {
            None
        }
    }

    /// The HTTP handler it exports; the newer one where it has both.
    pub fn interface(&self) -> Option<Interface> {
        let has = |prefix: &str| self.has(prefix);
        if has("wasi:http/handler@0.3.") {
            Some(Interface::Wasi03)
        } else if has("wasi:http/incoming-handler@0.2.") {
            Some(Interface::Wasi02)
        } else {
            None
        }
    }
}

/// Checked bytes with their digest.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub bytes: Vec<u8>,
    pub digest: Digest,
}

impl Artifact {
    /// # Errors
    /// Its digest is not `pinned`.
    pub fn from_bytes(bytes: Vec<u8>, pinned: Option<Digest>) -> Result<Self, ArtifactError> {
        let digest = verify(&bytes, pinned)?;
        Ok(Self { bytes, digest })
    }

    /// Validates the whole binary and reads its surface.
    ///
    /// # Errors
    /// It is no valid component.
    pub fn surface(&self) -> Result<Surface, ArtifactError> {
        if !self.bytes.starts_with(b"\0asm") {
            return Err(ArtifactError::NotWasm);
        }
        if !Parser::is_component(&self.bytes) {
            return Err(if Parser::is_core_wasm(&self.bytes) {
                ArtifactError::CoreModule
            } else {
                ArtifactError::Invalid("unknown version in its header".into())
            });
        }
        let concurrent = !valid_without_concurrency(&self.bytes)?;
        let (imports, exports) = names(&self.bytes)?;
        Ok(Surface {
            imports,
            exports,
            concurrent,
        })
    }
}

fn invalid(error: wasmparser::BinaryReaderError) -> ArtifactError {
    ArtifactError::Invalid(format!(
        "{} (at byte {:#x})",
        error.message(),
        error.offset()
    ))
}

/// Valid, and without the asynchronous canonical ABI: then the cheaper engine runs it.
fn valid_without_concurrency(bytes: &[u8]) -> Result<bool, ArtifactError> {
    let with = WasmFeatures::default() | WasmFeatures::CM_ASYNC;
    let without = with - WasmFeatures::CM_ASYNC;
    if Validator::new_with_features(without)
        .validate_all(bytes)
        .is_ok()
    {
        return Ok(true);
    }
    Validator::new_with_features(with)
        .validate_all(bytes)
        .map_err(invalid)?;
    Ok(false)
}

/// The instance imports and exports of the outermost component.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), ArtifactError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version {
                encoding: Encoding::Component | Encoding::Module,
                ..
            } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Instance {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}
