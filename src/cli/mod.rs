//! The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 78 bad settings.

mod agents;
mod check;
mod client;
mod completions;
mod costs;
mod dead_letters;
mod demo;
mod event;
mod events;
mod explain;
mod failure;
mod follow;
mod issue;
mod issues;
mod overrule;
mod queue;
mod reading;
mod runs;
mod screen;
mod serve;
mod show;
mod sse;
mod system;
mod table;
mod token;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use agents::AgentsArguments;
use client::DaemonArguments;
use costs::CostsArguments;
use dead_letters::DeadLettersArguments;
use events::EventsArguments;
use explain::ExplainArguments;
use issue::IssueArguments;
use issues::IssuesArguments;
use overrule::OverrideArguments;
use queue::QueueArguments;
use reading::{Form, ask};
use runs::RunsArguments;

/// Coordinator of AI coding agents: takes GitHub issues from the label `agent-ready` to a merged pull request.
#[derive(Debug, Parser)]
#[command(name = "conductor-e", version, after_help = AFTER_HELP)]
struct Arguments {
    /// TOML file with roster and policies; without it the built-in rig.
    #[arg(long, global = true, env = "CONDUCTOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    daemon: DaemonArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  conductor-e                                  serve on 127.0.0.1:8080, log kept in ./conductor-data
  conductor-e demo                             see the whole story in under half a minute, no accounts needed
  CONDUCTOR_BIND=127.0.0.1:0 conductor-e       serve on a free port and print it
  DATABASE_URL=postgres://… conductor-e        keep the log in PostgreSQL
  conductor-e token create --person ada --role operator   the first token; agents get theirs with --agent <id>
  conductor-e config check conductor.toml      find every mistake in a file, with its line

Look into a daemon that runs (here, or where --url says):
  conductor-e issues --state escalated         what waits for a person
  conductor-e issue acme/web#42                where it stands, and every event with who and why
  conductor-e queue                            what is handed out next, and what is blocked by what
  conductor-e agents                           who is there, and what they hold
  conductor-e runs                             what agents' runs told of themselves
  conductor-e costs --days 7                   what was spent
  conductor-e events --follow                  every event from now on, as it happens
  conductor-e explain acme/web#42              why it is there, what it waits for, why does nobody get it
  conductor-e dead-letters                     what was given up on; retry <id> has it tried again
  conductor-e override requeue acme/web#42 --reason …   overrule it, in your own name

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
    /// List issues.
    Issues(IssuesArguments),
    /// Show one issue or pull request with its timeline.
    Issue(IssueArguments),
    /// List agents: who is there, what they hold.
    Agents(AgentsArguments),
    /// List what waits for an agent, in the order of hand-out.
    Queue(QueueArguments),
    /// List runs: what agents' runtimes told of themselves.
    Runs(RunsArguments),
    /// Show what was spent, by model, agent and repository.
    Costs(CostsArguments),
    /// Show the log of events.
    Events(EventsArguments),
    /// Say why an issue, pull request or agent is where it is, and what would move it.
    Explain(ExplainArguments),
    /// Overrule the rules, in your own name and with a reason: release, requeue, assign, cancel, pause …
    Override(OverrideArguments),
    /// List what was given up on after its last try, or have it tried again.
    DeadLetters(DeadLettersArguments),
    /// Make, list and revoke the tokens by which the daemon tells callers apart.
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// Look at settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Write completions for a shell.
    #[command(after_help = completions::EXAMPLES)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check a file (or the one that is configured) together with the environment.
    Check {
        /// The file; without it the configured one.
        file: Option<PathBuf>,
    },
    /// Show what holds, from file, environment and defaults together: a file that says the same, secrets hidden.
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        #[command(flatten)]
        form: Form,
    },
}

const SHOW_EXAMPLES: &str = "\
Examples:
  conductor-e config show > conductor.toml                      a file to start from
  conductor-e config show --json | jq '.settings.agents[].id'";

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let file = arguments.config.as_deref();
    // Asked for only where it is needed: a file may be one that can be read but once.
    let daemon = || arguments.daemon.or_of_settings(file);
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(file),
        Command::Migrate => serve::migrate(file),
        Command::Demo { keep } => demo::demo(keep),
        Command::Issues(which) => ask(&daemon(), async |daemon, screen| issues::issues(&which, daemon, screen).await),
        Command::Issue(which) => ask(&daemon(), async |daemon, screen| issue::issue(&which, daemon, screen).await),
        Command::Agents(which) => ask(&daemon(), async |daemon, screen| agents::agents(&which, daemon, screen).await),
        Command::Queue(which) => ask(&daemon(), async |daemon, screen| queue::queue(&which, daemon, screen).await),
        Command::Runs(which) => ask(&daemon(), async |daemon, screen| runs::runs(&which, daemon, screen).await),
        Command::Costs(which) => ask(&daemon(), async |daemon, screen| costs::costs(&which, daemon, screen).await),
        Command::Events(which) => ask(&daemon(), async |daemon, screen| events::events(&which, daemon, screen).await),
        Command::Explain(what) => ask(&daemon(), async |daemon, screen| explain::explain(&what, daemon, screen).await),
        Command::Override(what) => {
            ask(&daemon(), async |daemon, screen| overrule::overrule(&what, daemon, screen).await)
        }
        Command::DeadLetters(what) => {
            ask(&daemon(), async |daemon, screen| dead_letters::dead_letters(&what, daemon, screen).await)
        }
        Command::Completions { shell } => completions::completions(shell, Arguments::command()),
        Command::Token { command } => token::token(file, &arguments.daemon, command),
        Command::Config { command: ConfigCommand::Check { file: named } } => check::check(named.as_deref().or(file)),
        Command::Config { command: ConfigCommand::Show { form } } => show::show(file, form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(Arguments::parse_from(["conductor-e"]).command.is_none());
    }
}
