//! `airgate kv backup`: a store into a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::timeout;

use super::saved::Saved;
use crate::cli::admin::{AdminApi, Call, Client, Failure};
use crate::cli::versions::size;
use crate::core::StoreName;

/// Without a byte more of it.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(super) struct Backup {
    /// The store
    #[arg(long, value_name = "NAME", default_value = "default")]
    store: StoreName,
    /// Where it is saved; what is there is replaced when all has come
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    api: AdminApi,
}

impl Backup {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let mut saved = Saved::beside(&self.output)?;
            let bar = bar();
            let bytes = self.receive(client, &mut saved, &bar).await;
            bar.finish_and_clear();
            let bytes = bytes?;
            saved.keep()?;
            let file = self.output.display().to_string();
            let text = format!("{file}: {} of store {}", size(bytes), self.store);
            self.api
                .done(&json!({ "file": file, "bytes": bytes }), &text)
        })
    }

    async fn receive(
        &self,
        client: &Client,
        saved: &mut Saved,
        bar: &ProgressBar,
    ) -> Result<u64, Failure> {
        let late = || client.unreachable("no more of the backup comes", false);
        let call = Call::get(format!("/v1/stores/{}/backup", self.store));
        let opened = timeout(SILENCE, client.start(call)).await;
        let mut response = opened.unwrap_or_else(|_| Err(late()))?;
        let mut bytes = 0;
        loop {
            let chunk = timeout(SILENCE, response.chunk()).await;
            match chunk.map_err(|_| late())? {
                Ok(Some(chunk)) => {
                    saved.write(&chunk)?;
                    bytes += chunk.len() as u64;
                    bar.set_position(bytes);
                }
                Ok(None) => return Ok(bytes),
                // So it ends when the store cannot be read to its end.
                Err(_) => return Err(Failure::Local(BROKE_OFF.into())),
            }
        }
    }
}

const BROKE_OFF: &str = "the backup broke off; the log of the gateway says why";

/// It is not drawn where stderr is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // A template that can be parsed is what it says.
    if let Ok(style) = ProgressStyle::with_template("saving {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    bar
}
