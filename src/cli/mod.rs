//! The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 78 bad settings.

mod check;
mod demo;
mod serve;
mod system;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Coordinator of AI coding agents: takes GitHub issues from the label `agent-ready` to a merged pull request.
#[derive(Debug, Parser)]
#[command(name = "conductor-e", version, after_help = AFTER_HELP)]
struct Arguments {
    /// TOML file with roster and policies; without it the built-in rig.
    #[arg(long, global = true, env = "CONDUCTOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  conductor-e                                  serve on 127.0.0.1:8080, log kept in ./conductor-data
  conductor-e demo                             see the whole story in under half a minute, no accounts needed
  CONDUCTOR_BIND=127.0.0.1:0 conductor-e       serve on a free port and print it
  DATABASE_URL=postgres://… conductor-e        keep the log in PostgreSQL
  conductor-e config check conductor.toml      find every mistake in a file, with its line

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 78 bad settings.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Bring the database's schema up to this version and exit.
    Migrate,
    /// Play the whole story to a daemon with a throw-away store, over HTTP, as GitHub and as agents.
    Demo {
        /// Leave the daemon running at the end, to look around.
        #[arg(long)]
        keep: bool,
    },
    /// Look at settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check a file (or the one that is configured) together with the environment.
    Check {
        /// The file; without it the configured one.
        file: Option<PathBuf>,
    },
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let file = arguments.config.as_deref();
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(file),
        Command::Migrate => serve::migrate(file),
        Command::Demo { keep } => demo::demo(keep),
        Command::Config { command: ConfigCommand::Check { file: named } } => check::check(named.as_deref().or(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(Arguments::parse_from(["conductor-e"]).command.is_none());
    }
}
