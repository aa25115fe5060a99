//! `airgate drain`: as SIGTERM does. The gateway takes no new connections, finishes what it
//! has, and ends.

use clap::Args;
use serde_json::json;

use super::admin::{AdminApi, Call};

#[derive(Args)]
pub(super) struct Drain {
    #[command(flatten)]
    api: AdminApi,
}

impl Drain {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let call = Call::post("/v1/drain").json(&json!({}));
            let answer = client.send(call).await?;
            self.api.show(&answer, || {
                Ok("the gateway finishes its requests and ends\n".into())
            })
        })
    }
}
