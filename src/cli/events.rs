//! `airgate events`: a line for everything that happens to versions and traffic, until it is
//! interrupted or nobody answers for a minute.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::admin::{AdminApi, Client, Event, EventStream, Failure, Happening};
use super::{exit, names, print, rollout};
use crate::core::ComponentName;

/// As long as a gateway may take to start anew.
const OUTAGE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(super) struct Events {
    /// Only what happens to this component
    #[arg(value_parser = names::component)]
    component: Option<ComponentName>,
    /// Begin after the event with this id, as far as the gateway still has them
    #[arg(long, value_name = "ID")]
    since: Option<u64>,
    #[command(flatten)]
    api: AdminApi,
}

impl Events {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c() => Ok(exit::DONE),
                ended = self.follow(client) => ended,
            }
        })
    }

    async fn follow(&self, client: &Client) -> Result<u8, Failure> {
        let mut stream = EventStream::new(client, self.since);
        let mut broken: Option<Instant> = None;
        let mut was_open = false;
        loop {
            match stream.next().await? {
                Happening::Opened => {
                    was_open = true;
                    broken = None;
                }
                Happening::Event(event, text) => self.show(&event, &text),
                Happening::Missed(0) => print::note(&"some events were missed"),
                Happening::Missed(count) => {
                    print::note(&format_args!("{count} events were missed"));
                }
                Happening::Broken(failure) => {
                    let since = *broken.get_or_insert_with(Instant::now);
                    if !was_open || since.elapsed() > OUTAGE {
                        return Err(failure);
                    }
                }
            }
        }
    }

    fn show(&self, event: &Event, text: &str) {
        let is_other = |it: &ComponentName| it.as_str() != event.component;
        if self.component.as_ref().is_some_and(is_other) {
            return;
        }
        match self.api.json {
            true => print::json(text),
            false => print::out(&(rollout::event(event) + "\n")),
        }
    }
}
