//! `airgate bus status`.

use clap::Args;
use serde::Deserialize;

use crate::cli::admin::{AdminApi, Call};
use crate::cli::print;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::terminal::{Paint, plain};

#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API shows it.
#[derive(Deserialize)]
struct Bus {
    backend: String,
    requests: u64,
    dead: u64,
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    subscriber: String,
    topic: String,
    group: Option<String>,
    queue_limit: u64,
    ending: bool,
    queue: Queue,
}

#[derive(Deserialize)]
struct Queue {
    waiting: u64,
    in_flight: u64,
    handled: u64,
    failed: u64,
    dead: u64,
    rejected: u64,
    dropped: u64,
}

impl Subscription {
    /// One that takes nothing new may have a successor of the same name.
    fn name(&self) -> String {
        match self.ending {
            true => format!("{} (ending)", self.subscriber),
            false => self.subscriber.clone(),
        }
    }
}

impl Status {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let answer = client.send(Call::get("/v1/bus")).await?;
            self.api.show(&answer, || {
                let bus: Bus = client.read_as(&answer)?;
                Ok(print::table(&table(&bus)) + "\n" + &summary(&bus))
            })
        })
    }
}

fn summary(bus: &Bus) -> String {
    let (backend, requests, dead) = (plain(&bus.backend), bus.requests, bus.dead);
    format!("{backend} bus: {requests} requests wait for replies, {dead} messages were given up\n")
}

fn table(bus: &Bus) -> Table {
    let mut table = Table::new(&[
        Column::Left("SUBSCRIBER"),
        Column::Left("TOPIC"),
        Column::Left("GROUP"),
        Column::Right("WAITING"),
        Column::Right("RUNNING"),
        Column::Right("HANDLED"),
        Column::Right("FAILED"),
        Column::Right("DEAD"),
        Column::Right("REJECTED"),
        Column::Right("DROPPED"),
    ]);
    for it in &bus.subscriptions {
        let queue = &it.queue;
        let is_full = queue.waiting >= it.queue_limit;
        let waiting = format!("{}/{}", queue.waiting, it.queue_limit);
        table.push([
            it.name().into(),
            (&it.topic).into(),
            it.group.as_deref().unwrap_or_default().into(),
            Cell::painted(waiting, is_full.then_some(Paint::Yellow)),
            queue.in_flight.to_string().into(),
            queue.handled.to_string().into(),
            bad(queue.failed),
            bad(queue.dead),
            bad(queue.rejected),
            bad(queue.dropped),
        ]);
    }
    table
}

fn bad(count: u64) -> Cell {
    Cell::painted(count.to_string(), (count > 0).then_some(Paint::Red))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_waits_and_what_became_of_the_rest() {
        let bus: Bus = serde_json::from_value(serde_json::json!({
            "backend": "local", "requests": 1, "dead": 2,
            "subscriptions": [{
                "subscriber": "cart", "topic": "orders.*", "group": "workers",
                "overflow": "reject", "concurrency": 16, "queue_limit": 1024, "ending": true,
                "queue": { "waiting": 3, "waiting_bytes": 900, "in_flight": 4, "delayed": 1,
                    "handled": 50, "failed": 6, "dead": 2, "rejected": 0, "dropped": 0 },
            }],
        }))
        .unwrap();
        let shown = table(&bus).render(false);
        let line = shown.lines().last().unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        let expected = [
            "cart", "(ending)", "orders.*", "workers", "3/1024", "4", "50", "6", "2", "0", "0",
        ];
        assert_eq!(words, expected);
        assert!(summary(&bus).starts_with("local bus: 1 requests wait"));
    }
}
