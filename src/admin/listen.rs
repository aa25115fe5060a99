//! Where the admin API listens: a TCP address or a unix socket.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::{TcpListener, UnixListener};

use super::access::Hosts;
use super::serve::{Accept, Stream, serve};
use crate::config::AdminListen;

/// The admin address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on the admin address {address}: {error}")]
pub struct AdminListenError {
    pub address: String,
    pub error: io::Error,
}

/// A bound admin listener.
pub struct AdminListener(Bound);

enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl AdminListener {
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(listen: &AdminListen) -> Result<Self, AdminListenError> {
        let (address, bound) = match listen {
            AdminListen::Tcp(address) => {
                let bound = TcpListener::bind(address).await;
                (address.to_string(), bound.map(Bound::Tcp))
            }
            AdminListen::Unix(path) => {
                let bound = bind_unix(path);
                let bound = bound.map(|(listener, file)| Bound::Unix(listener, file));
                (format!("unix:{}", path.display()), bound)
            }
        };
        let bound = bound.map_err(|error| AdminListenError { address, error })?;
        Ok(Self(bound))
    }

    /// The address with the port the kernel chose.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Bound::Tcp(listener) => listener.local_addr().ok(),
            Bound::Unix(..) => None,
        }
    }

    /// By which names it may be asked; `more` are those of the configuration.
    pub fn hosts(&self, more: Vec<String>) -> Hosts {
        Hosts::new(self.address(), more)
    }

    /// Serves until the task is dropped, and every connection with it.
    pub async fn serve(self, router: Router) -> Infallible {
        match self.0 {
            Bound::Tcp(listener) => serve(listener, router).await,
            Bound::Unix(listener, file) => {
                let _file = file;
                serve(listener, router).await
            }
        }
    }
}

impl Accept for TcpListener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        let (stream, _) = self.accept().await?;
        // Without it events wait for delayed acknowledgements (Nagle).
        let _ = stream.set_nodelay(true);
        Ok(Box::new(stream))
    }
}

impl Accept for UnixListener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        let (stream, _) = self.accept().await?;
        Ok(Box::new(stream))
    }
}

/// The file of a unix socket, which goes with it.
struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another process may have put its own there.
        let file = std::fs::symlink_metadata(&self.path);
        if file.is_ok_and(|file| file.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Only the owner may connect. A socket that nobody listens on is replaced.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
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
    let file = SocketFile {
        path: path.to_owned(),
        inode: std::fs::symlink_metadata(path)?.ino(),
    };
    Ok((listener, file))
}
