//! `airgate kv restore`: a backup into its store.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use http::HeaderValue;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::cli::admin::{AdminApi, Call, Client, Failure};
use crate::cli::{exit, print};
use crate::core::StoreName;

const PIECE: usize = 256 << 10;
/// However large it is.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The store
    #[arg(long, value_name = "NAME", default_value = "default")]
    store: StoreName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API says it.
#[derive(Deserialize)]
struct Restored {
    records: u64,
}

impl Restore {
    pub fn run(self) -> u8 {
        if let Some(code) = self.confirm() {
            return code;
        }
        self.api.run(async |client| {
            let file = File::open(&self.file).map_err(|error| self.unreadable(&error))?;
            let answer = self.send(client, file).await?;
            self.api.show(&answer, || {
                let Restored { records } = client.read_as(&answer)?;
                Ok(format!("store {} has {records} values again\n", self.store))
            })
        })
    }

    /// `None`: it is wanted.
    fn confirm(&self) -> Option<u8> {
        if self.yes {
            return None;
        }
        if !io::stdin().is_terminal() {
            print::error(&format_args!(
                "everything in store {} would be replaced: say --yes",
                self.store
            ));
            return Some(exit::USAGE);
        }
        eprint!("Replace everything in store {}? [y/N] ", self.store);
        let _ = io::stderr().flush();
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        let is_yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
        (!is_yes).then_some(exit::FAILED)
    }

    async fn send(
        &self,
        client: &Client,
        file: File,
    ) -> Result<crate::cli::admin::Answer, Failure> {
        let bar = bar(file.metadata().map_or(0, |file| file.len()));
        let body = reqwest::Body::wrap_stream(pieces(file, bar.clone()));
        let call = Call::post(format!("/v1/stores/{}/restore", self.store))
            .body(body, HeaderValue::from_static("application/jsonl"))
            .patiently(LONGEST);
        let answer = client.send(call).await;
        bar.finish_and_clear();
        answer
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::Local(format!("cannot read {}: {error}", self.file.display()))
    }
}

/// The file, a piece in memory at a time.
fn pieces(file: File, bar: ProgressBar) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(file, move |mut file| {
        let bar = bar.clone();
        async move {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            bar.inc(length as u64);
            Ok((length > 0).then(|| (piece.into(), file)))
        }
    })
}

/// It is not drawn where stderr is no terminal.
fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = "restoring {bytes}/{total_bytes} [{bar:40}] {percent}%";
    // A template that can be parsed is what it says.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=>-"));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;

    #[tokio::test]
    async fn a_file_is_sent_whole_and_counted() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..600_000u32).map(|it| it as u8).collect();
        file.write_all(&bytes).unwrap();
        let bar = ProgressBar::hidden();
        let pieces = pieces(file.reopen().unwrap(), bar.clone());
        let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), bytes);
        assert_eq!(bar.position(), 600_000);
    }
}
