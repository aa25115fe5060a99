//! `airgate restart` and `stop`: a component's life by hand.

use clap::Args;
use serde_json::json;

use super::admin::{AdminApi, Call};
use super::running::{Running, state};
use super::table::{Column, Table};
use super::{names, print};
use crate::core::{ComponentName, VersionName};

#[derive(Args)]
// Its `--version` is the component's.
#[command(disable_version_flag = true)]
pub(super) struct Supervise {
    /// The component
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// Only this version. Default: all that are loaded
    #[arg(long, value_name = "NAME", value_parser = names::version)]
    version: Option<VersionName>,
    #[command(flatten)]
    api: AdminApi,
}

impl Supervise {
    pub fn run(self, verb: &str) -> u8 {
        self.api.run(async |client| {
            let version = self.version.as_ref().map(ToString::to_string);
            let call = Call::post(format!("/v1/components/{}/{verb}", self.component));
            let answer = client
                .send(call.json(&json!({})).query("version", version))
                .await?;
            self.api.show(&answer, || {
                let component: Running = client.read_as(&answer)?;
                Ok(print::table(&table(&component)))
            })
        })
    }
}

fn table(component: &Running) -> Table {
    let mut table = Table::new(&[
        Column::Left("COMPONENT"),
        Column::Left("VERSION"),
        Column::Left("STATE"),
        Column::Right("RESTARTS"),
    ]);
    for version in &component.versions {
        table.push([
            (&component.name).into(),
            (&version.name).into(),
            state(version),
            version.restarts.to_string().into(),
        ]);
    }
    table
}
