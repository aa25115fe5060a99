//! `airgate kv list`: keys, a line each.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::place::Space;
use crate::cli::admin::{Call, Client, Failure};
use crate::cli::terminal::plain;
use crate::cli::{exit, print};

/// Keys in one answer.
const PAGE: usize = 1_000;

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    space: Space,
    /// Only keys that begin with it
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Begin after this key, in the order of their bytes
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// Keys at most
    #[arg(long, value_name = "N", default_value_t = PAGE)]
    limit: usize,
}

/// As the admin API shows them.
#[derive(Deserialize)]
struct Page {
    keys: Vec<String>,
    more: bool,
}

impl List {
    pub fn run(self) -> u8 {
        self.space.api.run(async |client| {
            let found = self.all(client).await?;
            if self.space.api.json {
                print::json(&json!({ "keys": found.keys, "more": found.more }).to_string());
                return Ok(exit::DONE);
            }
            let lines: String = found.keys.iter().map(|key| plain(key) + "\n").collect();
            print::out(&lines);
            if found.more {
                print::note(&"there are more: --limit N, or --after the last of these");
            }
            Ok(exit::DONE)
        })
    }

    /// As many as are wanted.
    async fn all(&self, client: &Client) -> Result<Page, Failure> {
        let mut all = Page {
            keys: Vec::new(),
            more: true,
        };
        while all.more && all.keys.len() < self.limit {
            let wanted = (self.limit - all.keys.len()).min(PAGE);
            let after = all.keys.last().or(self.after.as_ref());
            let call = Call::get(self.space.path())
                .query("prefix", self.prefix.clone())
                .query("after", after.cloned())
                .query("limit", Some(wanted.to_string()));
            let page: Page = client.read_as(&client.send(call).await?)?;
            // A page without keys is the last, whatever it says.
            all.more = page.more && !page.keys.is_empty();
            all.keys.extend(page.keys);
        }
        Ok(all)
    }
}
