//! `token`: who may talk to the daemon.
//!
//! The first token can't be asked for with a token, so these commands work on the store itself. Where a running daemon holds
//! the embedded store's folder, or `--url` names a daemon, they ask that one instead.

mod desk;
mod show;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Subcommand};
use conductor_adapters::system_clock::SystemClock;
use conductor_core::port::Clock;
use conductor_core::token::TokenOwner;

use super::client::DaemonArguments;
use super::reading::Form;
use super::serve::with_settings;
use crate::config::period;
use desk::Desk;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and show it, this once.
    #[command(group(ArgGroup::new("owner").required(true).args(["agent", "person"])))]
    Create {
        /// The agent that it speaks for.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// The person whose it is.
        #[arg(long, value_name = "NAME", requires = "role")]
        person: Option<String>,
        /// What the person's token is for.
        #[arg(long, value_parser = ["operator", "viewer"], requires = "person", conflicts_with = "agent")]
        role: Option<String>,
        /// It ends after this time, such as 90d; without, it lasts until it is revoked.
        #[arg(long, value_name = "PERIOD", value_parser = period::parse)]
        expires: Option<Duration>,
        #[command(flatten)]
        form: Form,
    },
    /// List all tokens, revoked and expired ones included; secrets are not kept, so none are shown.
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Take a token back, for good.
    Revoke {
        /// Its id, as `token list` shows it.
        id: String,
        #[command(flatten)]
        form: Form,
    },
}

/// Runs one of them.
pub(super) fn token(file: Option<&Path>, daemon: &DaemonArguments, command: TokenCommand) -> ExitCode {
    with_settings(file, |settings, _runtime| async move {
        let desk = Desk::open(&settings, daemon).await?;
        let done = perform(&desk, &command).await;
        desk.close().await;
        done.map(|()| true)
    })
}

async fn perform(desk: &Desk, command: &TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { agent, person, role, expires, form } => {
            let (kind, name) = match (agent, person) {
                (Some(agent), _) => ("agent", agent),
                (None, Some(person)) => (role.as_deref().unwrap_or_default(), person),
                (None, None) => anyhow::bail!("make a token: say whose it is, with --agent or --person"),
            };
            let Some(owner) = TokenOwner::of(kind, name) else {
                anyhow::bail!("make a token: \"{}\" can't be the name of an {kind}", name.escape_debug());
            };
            let expires_at = expires.map(|period| SystemClock.now().plus(period));
            show::created(&desk.create(owner, expires_at).await?, form.json);
        }
        TokenCommand::List { form } => show::listed(&desk.list().await?, form.json),
        TokenCommand::Revoke { id, form } => show::revoked(&desk.revoke(id).await?, form.json),
    }
    Ok(())
}
