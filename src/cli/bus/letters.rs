//! `airgate bus dead-letters`, `redeliver` and `discard`.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::listen::Body;
use crate::cli::admin::{AdminApi, Call};
use crate::cli::print;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::terminal::Paint;

#[derive(Args)]
pub(super) struct DeadLetters {
    /// Letters at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    api: AdminApi,
}

#[derive(Args)]
pub(super) struct Redeliver {
    /// Of the letter, as `dead-letters` shows it
    id: u64,
    #[command(flatten)]
    api: AdminApi,
}

#[derive(Args)]
pub(super) struct Discard {
    /// Of the letter, as `dead-letters` shows it
    id: u64,
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API shows them.
#[derive(Deserialize)]
struct Letters {
    dead_letters: Vec<Letter>,
}

#[derive(Deserialize)]
struct Letter {
    id: u64,
    at: String,
    topic: String,
    subscriber: String,
    attempts: u32,
    error: String,
    #[serde(flatten)]
    body: Body,
}

impl DeadLetters {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let limit = Some(self.limit.to_string());
            let call = Call::get("/v1/bus/dead-letters").query("limit", limit);
            let answer = client.send(call).await?;
            self.api.show(&answer, || {
                let letters: Letters = client.read_as(&answer)?;
                Ok(print::table(&table(&letters)))
            })
        })
    }
}

fn table(letters: &Letters) -> Table {
    /// Characters of a body.
    const SHOWN: usize = 40;
    let mut table = Table::new(&[
        Column::Right("ID"),
        Column::Left("AT"),
        Column::Left("TOPIC"),
        Column::Left("SUBSCRIBER"),
        Column::Right("TRIES"),
        Column::Left("BODY"),
        Column::Left("ERROR"),
    ]);
    for letter in &letters.dead_letters {
        let body = letter.body.told();
        let mut shown: String = body.chars().take(SHOWN).collect();
        if shown.len() < body.len() {
            shown.push('…');
        }
        table.push([
            letter.id.to_string().into(),
            (&letter.at).into(),
            (&letter.topic).into(),
            (&letter.subscriber).into(),
            letter.attempts.to_string().into(),
            shown.into(),
            Cell::painted(&letter.error, Some(Paint::Red)),
        ]);
    }
    table
}

impl Redeliver {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let path = format!("/v1/bus/dead-letters/{}/redeliver", self.id);
            let answer = client.send(Call::post(path).json(&json!({}))).await?;
            self.api.show(&answer, || Ok("it is on its way\n".into()))
        })
    }
}

impl Discard {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let path = format!("/v1/bus/dead-letters/{}", self.id);
            client.fetch(Call::delete(path)).await?;
            self.api
                .done(&json!({ "discarded": self.id }), "it is forgotten")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_line_however_long_its_body_is() {
        let letters: Letters = serde_json::from_value(json!({ "dead_letters": [{
            "id": 7, "at": "T", "topic": "orders.created", "subscriber": "cart", "attempts": 5,
            "error": "trap", "size": 99, "body": "é".repeat(99), "truncated": false,
        }]}))
        .unwrap();
        let shown = table(&letters).render(false);
        let body = "é".repeat(40) + "…";
        let expected = format!(" 7  T   orders.created  cart            5  {body}  trap");
        assert_eq!(shown.lines().last().unwrap(), expected);
    }
}
