//! `airgate reload`: as SIGHUP does, and with an answer.

use clap::Args;
use serde_json::json;

use super::admin::{AdminApi, Call};

#[derive(Args)]
pub(super) struct Reload {
    #[command(flatten)]
    api: AdminApi,
}

impl Reload {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let call = Call::post("/v1/reload").json(&json!({}));
            let answer = client.send(call).await?;
            self.api.show(&answer, || {
                Ok("the configuration was read again and is obeyed\n".into())
            })
        })
    }
}
