//! `airgate kv stores` and `usage`.

use clap::Args;
use serde::Deserialize;

use crate::cli::admin::{AdminApi, Answer, Call, Client, Failure};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::terminal::Paint;
use crate::cli::versions::size;
use crate::cli::{names, print};
use crate::core::{ComponentName, StoreName};

/// Of a quota, above which it is told in colour.
const CLOSE: u64 = 90;

#[derive(Args)]
pub(super) struct Stores {
    #[command(flatten)]
    api: AdminApi,
}

#[derive(Args)]
pub(super) struct Usage {
    /// Only what this component has
    #[arg(value_parser = names::component)]
    component: Option<ComponentName>,
    /// Only what is in this store
    #[arg(long, value_name = "NAME")]
    store: Option<StoreName>,
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API shows them.
#[derive(Deserialize)]
struct All {
    stores: Vec<Store>,
}

#[derive(Deserialize)]
struct Store {
    name: String,
    backend: String,
    quota: Amount,
    #[serde(default)]
    spaces: Vec<Space>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Amount {
    bytes: u64,
    keys: u64,
}

#[derive(Deserialize)]
struct Space {
    component: String,
    #[serde(flatten)]
    amount: Amount,
}

impl Stores {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let answer = ask(client).await?;
            self.api.show(&answer, || {
                let all: All = client.read_as(&answer)?;
                Ok(print::table(&stores(&all)))
            })
        })
    }
}

impl Usage {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let answer = ask(client).await?;
            self.api.show(&answer, || {
                let all: All = client.read_as(&answer)?;
                Ok(print::table(&self.table(&all)))
            })
        })
    }

    fn table(&self, all: &All) -> Table {
        let mut table = Table::new(&[
            Column::Left("STORE"),
            Column::Left("COMPONENT"),
            Column::Right("KEYS"),
            Column::Right("OF"),
            Column::Right("BYTES"),
            Column::Right("OF"),
        ]);
        let is_meant = |name: &str, wanted: Option<&str>| wanted.is_none_or(|it| it == name);
        let store = self.store.as_ref().map(StoreName::as_str);
        let component = self.component.as_ref().map(ComponentName::as_str);
        for store in all.stores.iter().filter(|it| is_meant(&it.name, store)) {
            for space in &store.spaces {
                if !is_meant(&space.component, component) {
                    continue;
                }
                let (has, may) = (&space.amount, &store.quota);
                table.push([
                    (&store.name).into(),
                    (&space.component).into(),
                    near(has.keys.to_string(), has.keys, may.keys),
                    may.keys.to_string().into(),
                    near(size(has.bytes), has.bytes, may.bytes),
                    size(may.bytes).into(),
                ]);
            }
        }
        table
    }
}

async fn ask(client: &Client) -> Result<Answer, Failure> {
    client.send(Call::get("/v1/stores")).await
}

fn near(text: String, has: u64, may: u64) -> Cell {
    let is_near = u128::from(has) * 100 >= u128::from(may) * u128::from(CLOSE);
    Cell::painted(text, is_near.then_some(Paint::Yellow))
}

fn stores(all: &All) -> Table {
    let mut table = Table::new(&[
        Column::Left("STORE"),
        Column::Left("BACKEND"),
        Column::Right("COMPONENTS"),
        Column::Right("KEYS"),
        Column::Right("BYTES"),
        Column::Left("ERROR"),
    ]);
    for store in &all.stores {
        let sum = |of: fn(&Amount) -> u64| -> u64 {
            let amounts = store.spaces.iter().map(|space| of(&space.amount));
            amounts.fold(0, u64::saturating_add)
        };
        table.push([
            (&store.name).into(),
            (&store.backend).into(),
            store.spaces.len().to_string().into(),
            sum(|it| it.keys).to_string().into(),
            size(sum(|it| it.bytes)).into(),
            Cell::painted(store.error.as_deref().unwrap_or_default(), Some(Paint::Red)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> All {
        serde_json::from_value(serde_json::json!({ "stores": [
            { "name": "default", "backend": "embedded", "quota": { "bytes": 4096, "keys": 10 },
              "spaces": [{ "component": "cart", "bytes": 2048, "keys": 9 },
                         { "component": "stock", "bytes": 1, "keys": 1 }] },
            { "name": "lost", "backend": "embedded", "quota": { "bytes": 1, "keys": 1 },
              "error": "corrupt: page 7" },
        ]}))
        .unwrap()
    }

    #[test]
    fn stores_are_summed_up_and_those_that_cannot_be_read_say_why() {
        let shown = stores(&all()).render(false);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "STORE    BACKEND   COMPONENTS  KEYS    BYTES  ERROR",
                "default  embedded           2    10  2.0 KiB",
                "lost     embedded           0     0      0 B  corrupt: page 7",
            ]
        );
    }

    #[test]
    fn usage_stands_beside_what_is_allowed() {
        let usage = |line: &str| {
            let line = <Line as clap::Parser>::parse_from(line.split(' '));
            line.usage.table(&all()).render(false)
        };
        let shown = usage("usage cart");
        let last = shown.lines().last().unwrap();
        assert_eq!(last, "default  cart          9  10  2.0 KiB  4.0 KiB");
        assert_eq!(usage("usage").lines().count(), 3);
        assert_eq!(usage("usage --store lost").lines().count(), 1);
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        usage: Usage,
    }
}
