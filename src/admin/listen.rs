//! Where the admin API listens: a TCP address or a unix socket.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use tokio::net::{TcpListener, UnixListener};

use crate::config::AdminListen;

/// The admin address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on the admin address {address}: {error}")]
pub struct AdminListenError {
    pub address: String,
    pub error: io::Error,
}

/// A bound admin listener.
pub enum AdminListener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl AdminListener {
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(listen: &AdminListen) -> Result<Self, AdminListenError> {
        match listen {
            AdminListen::Tcp(address) => {
                TcpListener::bind(address)
                    .await
                    .map(Self::Tcp)
                    .map_err(|error| AdminListenError {
                        address: address.to_string(),
                        error,
                    })
            }
            AdminListen::Unix(path) => bind_unix(path)
                .map(|listener| Self::Unix(listener, path.clone()))
                .map_err(|error| AdminListenError {
                    address: format!("unix:{}", path.display()),
                    error,
                }),
        }
    }

    /// The address with the port the kernel chose.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// Serves until the task is dropped.
    ///
    /// # Errors
    /// Never, as axum tries again where accepting fails.
    pub async fn serve(self, router: Router) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => axum::serve(listener, router).await,
            Self::Unix(listener, path) => {
                let served = axum::serve(listener, router).await;
                let _ = std::fs::remove_file(path);
                served
            }
        }
    }
}

/// Only the owner may connect. A socket that nobody listens on is replaced.
fn bind_unix(path: &std::path::Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let abandoned = is_socket && std::os::unix::net::UnixStream::connect(path).is_err();
    if abandoned {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
