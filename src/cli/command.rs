//! What a command line can say.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::{
    bus, check, compile, deploy, drain, events, inspect, kv, reload, rollback, routes, schema,
    serve, status, steer, supervise, traffic, versions,
};
use crate::runtime::COMPILE_VERB;

/// How a verb ends.
pub(super) mod exit {
    pub const DONE: u8 = 0;
    pub const FAILED: u8 = 1;
    /// As clap has it.
    pub const USAGE: u8 = 2;
    pub const INVALID_CONFIGURATION: u8 = 3;
    /// Nobody answers at the admin address.
    pub const UNREACHABLE: u8 = 4;
    /// What was deployed does not serve.
    pub const ROLLED_BACK: u8 = 5;
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 invalid configuration, 4 admin API unreachable,
5 rolled back";

/// A WASI edge gateway: HTTP routes to WebAssembly components, within limits.
#[derive(Parser)]
#[command(name = "airgate", version, about, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the routes of a configuration until told to stop
    Serve(serve::Serve),
    /// Check a configuration and everything it names, and compare imports with grants
    Check(check::Check),
    /// Show what a component exports and imports, and the grants it could use
    Inspect(inspect::Inspect),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Upload a version of a component, and give it traffic by the component's strategy
    Deploy(deploy::Deploy),
    /// Give all traffic to the version that is being rolled out
    Promote(steer::Steer),
    /// Go back to the traffic before the last change, or to a kept version
    Rollback(rollback::Rollback),
    /// Stop a rollout at its step; a failure still rolls it back
    Pause(steer::Steer),
    /// Let a paused rollout go on
    Resume(steer::Steer),
    /// End a rollout and bring back the traffic of before
    Abort(steer::Steer),
    /// Set the weights of a component's versions at once
    Traffic(traffic::Traffic),
    /// Show what serves, and the rollouts under way
    Status(status::Status),
    /// Show the versions of a component that are kept, or its history
    Versions(versions::Versions),
    /// Show what happens to versions, their state and traffic, as it happens
    Events(events::Events),
    /// Show the routes that are served
    Routes(routes::Routes),
    /// Look at the stores: edit, save and restore them
    Kv(kv::Kv),
    /// Look at the bus, send messages, listen, and care for dead letters
    Bus(bus::Bus),
    /// End the instances of a component and start it anew
    Restart(supervise::Supervise),
    /// End the instances of a component: its requests are answered with 503 until it is restarted
    Stop(supervise::Supervise),
    /// Make the gateway read its configuration again
    Reload(reload::Reload),
    /// Make the gateway finish its requests and end
    Drain(drain::Drain),
    #[command(name = COMPILE_VERB, hide = true)]
    Compile(compile::Compile),
}

/// Where the configuration is.
#[derive(Args)]
pub(super) struct ConfigFile {
    /// The configuration file
    #[arg(
        long,
        short,
        default_value = "routes.toml",
        value_name = "FILE",
        env = "AIRGATE_CONFIG"
    )]
    pub config: PathBuf,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let code = match Cli::parse().verb {
        Verb::Serve(serve) => serve.run(),
        Verb::Check(check) => check.run(),
        Verb::Inspect(inspect) => inspect.run(),
        Verb::Schema => schema::run(),
        Verb::Deploy(deploy) => deploy.run(),
        Verb::Promote(steer) => steer.run("promote"),
        Verb::Rollback(rollback) => rollback.run(),
        Verb::Pause(steer) => steer.run("pause"),
        Verb::Resume(steer) => steer.run("resume"),
        Verb::Abort(steer) => steer.run("abort"),
        Verb::Traffic(traffic) => traffic.run(),
        Verb::Status(status) => status.run(),
        Verb::Versions(versions) => versions.run(),
        Verb::Events(events) => events.run(),
        Verb::Routes(routes) => routes.run(),
        Verb::Kv(kv) => kv.run(),
        Verb::Bus(bus) => bus.run(),
        Verb::Restart(supervise) => supervise.run("restart"),
        Verb::Stop(supervise) => supervise.run("stop"),
        Verb::Reload(reload) => reload.run(),
        Verb::Drain(drain) => drain.run(),
        Verb::Compile(compile) => compile.run(),
    };
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn refused(arguments: &str) -> ErrorKind {
        let arguments = std::iter::once("airgate").chain(arguments.split_whitespace());
        match Cli::try_parse_from(arguments) {
            Ok(_) => panic!("it is taken"),
            Err(error) => error.kind(),
        }
    }

    fn is_taken(arguments: &str) -> bool {
        let arguments = std::iter::once("airgate").chain(arguments.split_whitespace());
        Cli::try_parse_from(arguments).is_ok()
    }

    #[test]
    fn every_verb_is_put_together_right() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_of_delivery_are_taken_as_they_are_documented() {
        for arguments in [
            "deploy cart a.wasm --version 1.5.0 --strategy canary --steps 5,25 --wait --timeout 5m",
            "deploy cart a.wasm --no-traffic --signature a.sig --reason x --if-generation 7 --json",
            "rollback cart --to 1.4.2 --wait --admin unix:/run/a.sock",
            "promote cart --reason x --token-file t --config c.toml",
            "traffic cart 1.4.2=95 1.5.0=5",
            "status --json",
            "versions cart --history --limit 5",
            "events cart --since 7",
        ] {
            assert!(is_taken(arguments), "{arguments}");
        }
    }

    #[test]
    fn verbs_of_stores_and_bus_are_taken_as_they_are_documented() {
        for arguments in [
            "kv stores --json",
            "kv usage cart --store default",
            "kv list cart --store default --prefix a/ --after a/1 --limit 5000",
            "kv get cart user/1 --output value.bin",
            "kv set cart user/1 @value.bin --ttl 5m --if-absent --store cache",
            "kv set cart n -5",
            "kv set cart n -",
            "kv delete cart user/1",
            "kv increment cart n -2",
            "kv increment cart n",
            "kv backup --store default --output default.jsonl",
            "kv restore --store default default.jsonl --yes",
            "bus status --admin unix:/run/a.sock",
            "bus publish orders.created {} --content-type application/json --everyone --json",
            "bus publish orders.created - --count 100000",
            "bus request stock.reserve @order.json --timeout 2s",
            "bus listen orders.>",
            "bus dead-letters --limit 5",
            "bus redeliver 7",
            "bus discard 7",
            "restart cart --version 1.4.2",
            "stop cart --json",
        ] {
            assert!(is_taken(arguments), "{arguments}");
        }
    }

    #[test]
    fn what_no_store_and_no_bus_can_have_is_wrong_usage() {
        use ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};
        for (arguments, kind) in [
            ("kv get cart", MissingRequiredArgument),
            ("kv get cart ..", ValueValidation),
            ("kv get ../x key", ValueValidation),
            ("kv get cart key --store a/b", ValueValidation),
            ("kv get cart key --json --output f", ArgumentConflict),
            ("kv set cart key", MissingRequiredArgument),
            ("kv set cart key v --ttl soon", ValueValidation),
            ("kv increment cart key much", ValueValidation),
            ("kv backup", MissingRequiredArgument),
            ("kv restore", MissingRequiredArgument),
            ("bus publish orders.*", ValueValidation),
            ("bus publish orders.created", MissingRequiredArgument),
            ("bus publish a b --count 0", ValueValidation),
            ("bus request a b --timeout 5", ValueValidation),
            ("bus listen a.>.b", ValueValidation),
            ("bus discard last", ValueValidation),
            ("stop", MissingRequiredArgument),
        ] {
            assert_eq!(refused(arguments), kind, "{arguments}");
        }
    }

    #[test]
    fn what_means_nothing_is_wrong_usage() {
        use ErrorKind::{ArgumentConflict, InvalidValue, MissingRequiredArgument, ValueValidation};
        for (arguments, kind) in [
            ("deploy cart", MissingRequiredArgument),
            ("deploy ../x a.wasm", ValueValidation),
            ("deploy cart a.wasm --version ..", ValueValidation),
            ("deploy cart a.wasm --strategy slowly", InvalidValue),
            ("deploy cart a.wasm --steps 25,5", ValueValidation),
            ("deploy cart a.wasm --timeout soon", ValueValidation),
            ("deploy cart a.wasm --no-traffic --wait", ArgumentConflict),
            ("traffic cart", MissingRequiredArgument),
            ("traffic cart 1.4.2", ValueValidation),
            ("status --admin ftp://a", ValueValidation),
            ("pause", MissingRequiredArgument),
        ] {
            assert_eq!(refused(arguments), kind, "{arguments}");
        }
    }
}
