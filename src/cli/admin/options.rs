//! The options of every verb that asks a running gateway, and how such a verb runs.

use std::path::PathBuf;

use clap::Args;

use super::address::Address;
use super::client::{Answer, Client};
use super::credentials::{Credentials, Search};
use super::failure::Failure;
use super::file::{AdminSettings, Listen};
use crate::cli::terminal::plain_lines;
use crate::cli::{ConfigFile, exit, print};

#[derive(Args)]
pub(in crate::cli) struct AdminApi {
    /// The admin API: http://HOST:PORT or unix:PATH. Default: [admin] listen of the configuration
    #[arg(long, value_name = "URL")]
    admin: Option<Address>,
    /// A file with the token. Default: AIRGATE_ADMIN_TOKEN, or what the configuration says
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
    /// Print what the admin API answers, as JSON
    #[arg(long)]
    pub json: bool,
}

impl AdminApi {
    /// Runs a verb to its exit code.
    pub fn run(&self, verb: impl AsyncFnOnce(&Client) -> Result<u8, Failure>) -> u8 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let ended = match runtime {
            Ok(runtime) => runtime.block_on(async { verb(&self.client()?).await }),
            Err(error) => Err(Failure::Local(error.to_string())),
        };
        ended.unwrap_or_else(|failure| self.report(&failure))
    }

    fn report(&self, failure: &Failure) -> u8 {
        if let (true, Failure::Refused(refusal)) = (self.json, failure)
            && let Some(document) = &refusal.document
        {
            print::json(document);
        }
        print::error(failure);
        failure.exit_code()
    }

    fn client(&self) -> Result<Client, Failure> {
        let settings = AdminSettings::read(&self.file.config);
        let address = match &self.admin {
            Some(address) => address.clone(),
            None => self.of_file(&settings)?,
        };
        #[allow(
            clippy::disallowed_methods,
            reason = "the token's own variable, and those that the file names"
        )]
        let variable = |name: &str| std::env::var(name).ok();
        let credentials = Credentials::find(&Search {
            flag: self.token_file.as_deref(),
            variable: &variable,
            settings: &settings,
            address: &address,
            is_of_file: self.admin.is_none(),
        })?;
        if self.admin.is_none() || credentials.is_of_file {
            self.note(&settings);
        }
        Client::new(address, credentials)
    }

    fn of_file(&self, settings: &AdminSettings) -> Result<Address, Failure> {
        let file = self.file.config.display();
        let why = match &settings.listen {
            Listen::At(address) => return Ok(address.clone()),
            Listen::Off => "has its admin API off",
            Listen::AnyPort => "leaves the port of its admin API to the system",
        };
        self.note(settings);
        Err(Failure::Unreachable {
            cause: format!("{file} {why}: say where it is with --admin URL"),
            in_doubt: false,
        })
    }

    fn note(&self, settings: &AdminSettings) {
        if let Some(note) = &settings.note {
            print::note(&format_args!(
                "note: {note}; defaults stand for what cannot be read"
            ));
        }
    }

    /// Prints what was answered: as it came, or as `text` tells it.
    ///
    /// # Errors
    /// What `text` has.
    pub fn show(
        &self,
        answer: &Answer,
        text: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<u8, Failure> {
        match self.json {
            true => print::json(&answer.body),
            false => print::out(&text()?),
        }
        Ok(exit::DONE)
    }

    /// Says that something was done to which the admin API has answered nothing: as `document`,
    /// or in words.
    ///
    /// # Errors
    /// None; so that it can end a verb.
    pub fn done(&self, document: &serde_json::Value, words: &str) -> Result<u8, Failure> {
        match self.json {
            true => print::json(&document.to_string()),
            false => print::out(&(plain_lines(words) + "\n")),
        }
        Ok(exit::DONE)
    }
}
