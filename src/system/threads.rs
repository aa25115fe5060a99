//! The threads that handle messages: for messages alone, one for each core. However many messages
//! there are, connections, the admin API and supervision have threads of their own.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// They end when this is dropped; what they do just then is cut off.
pub(crate) struct MessageThreads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl MessageThreads {
    /// # Errors
    /// A thread cannot be made.
    pub fn start(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("airgate-messages")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// What runs here.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for MessageThreads {
    fn drop(&mut self) {
        // Who drops it may be a task, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
