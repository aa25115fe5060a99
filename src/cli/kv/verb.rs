//! What `airgate kv` can do.

use clap::{Args, Subcommand};

use super::{backup, list, restore, stores, value};

const AFTER_HELP: &str = "\
Examples:
  airgate kv list cart --prefix user/
  airgate kv get cart user/1 --output value.bin
  airgate kv set cart user/1 @value.bin --ttl 5m
  airgate kv backup --output default.jsonl";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Kv {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the stores
    Stores(stores::Stores),
    /// Show what components have in the stores, against what they may
    Usage(stores::Usage),
    /// List the keys of a component
    List(list::List),
    /// Print a value, as it is
    Get(value::Get),
    /// Set a value
    Set(value::Set),
    /// Delete a value
    Delete(value::Delete),
    /// Add to a number, and print the sum
    Increment(value::Increment),
    /// Save a store in a file, while it is in use
    Backup(backup::Backup),
    /// Replace everything in a store by a backup of it
    Restore(restore::Restore),
}

impl Kv {
    pub fn run(self) -> u8 {
        match self.verb {
            Verb::Stores(stores) => stores.run(),
            Verb::Usage(usage) => usage.run(),
            Verb::List(list) => list.run(),
            Verb::Get(get) => get.run(),
            Verb::Set(set) => set.run(),
            Verb::Delete(delete) => delete.run(),
            Verb::Increment(increment) => increment.run(),
            Verb::Backup(backup) => backup.run(),
            Verb::Restore(restore) => restore.run(),
        }
    }
}
