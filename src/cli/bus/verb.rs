//! What `airgate bus` can do.

use clap::{Args, Subcommand};

use super::{letters, listen, send, status};

const AFTER_HELP: &str = "\
Examples:
  airgate bus publish orders.created '{\"id\":7}' --content-type application/json
  airgate bus request stock.reserve @order.json --timeout 2s
  airgate bus listen 'orders.>'";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Bus {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show who listens, and what waits
    Status(status::Status),
    /// Send a message to who listens to a topic
    Publish(send::Publish),
    /// Send a message and print the reply
    Request(send::Request),
    /// Show messages as they are sent
    Listen(listen::Listen),
    /// Show the messages that were given up
    DeadLetters(letters::DeadLetters),
    /// Send a dead letter to where it came from, as if for the first time; given up again, it gets a new number
    Redeliver(letters::Redeliver),
    /// Forget a dead letter
    Discard(letters::Discard),
}

impl Bus {
    pub fn run(self) -> u8 {
        match self.verb {
            Verb::Status(status) => status.run(),
            Verb::Publish(publish) => publish.run(),
            Verb::Request(request) => request.run(),
            Verb::Listen(listen) => listen.run(),
            Verb::DeadLetters(letters) => letters.run(),
            Verb::Redeliver(letter) => letter.run(),
            Verb::Discard(letter) => letter.run(),
        }
    }
}
