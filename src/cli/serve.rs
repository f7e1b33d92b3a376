use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conductor_core::authority::IdentityMode;
use conductor_http::caller::admission::trust_warning;
use tokio::runtime::Runtime;

use crate::config::{EXIT_BAD_SETTINGS, Environment, Settings, Store};
use crate::daemon::logging;
use crate::daemon::open_store::open_store;
use crate::daemon::start::{Daemon, StartError};

use super::failure::Failure;
use super::system;

/// `serve`: until SIGTERM or Ctrl-C.
pub(super) fn serve(file: Option<&Path>) -> ExitCode {
    with_settings(file, |settings, runtime| async move {
        let store = tokio::select! {
            store = open_store(&settings) => store?,
            signal = system::asked_to_stop() => {
                tracing::info!("stopped by {} before the store could be opened", signal?);
                return Ok(true);
            }
        };
        let location = store.location();
        let daemon = Daemon::start(&settings, store, &runtime).await?;
        let believed = match settings.identity {
            IdentityMode::Open | IdentityMode::Token => "",
            IdentityMode::TrustedNetwork => " (whole networks are believed)",
        };
        println!("listening on {} · store {location} · identity {}{believed}", daemon.url, settings.identity);
        for line in next_steps(&settings, &daemon) {
            println!("{line}");
        }
        let signal = system::asked_to_stop().await?;
        tracing::info!("{signal}: finishing what is under way");
        Ok(daemon.stop().await)
    })
}

/// What to do next, for whoever has just started it by hand. Scripts read the first line alone.
fn next_steps(settings: &Settings, daemon: &Daemon) -> Vec<String> {
    let (mut lines, url) = (Vec::new(), &daemon.url);
    match (&settings.store, &settings.webhook_secret) {
        (Store::Embedded { folder }, _) => lines.push(format!("  log     kept in {}", folder.display())),
        (Store::Postgres { .. }, _) => {}
    }
    lines.push(match &settings.webhook_secret {
        Some(_) => format!("  GitHub  deliver webhooks to {url}/api/webhook/github"),
        None => "  GitHub  set GITHUB_WEBHOOK_SECRET to open the webhook; until then agents' own reports are the facts"
            .to_owned(),
    });
    let shown = match settings.identity {
        IdentityMode::Open => "",
        IdentityMode::TrustedNetwork => {
            let warning = trust_warning(settings.identity, &settings.trusted_networks);
            lines.extend(warning.map(|warning| format!("  WARNING {warning}")));
            ""
        }
        IdentityMode::Token => {
            let shown = match &settings.store {
                // Its file is held: the daemon is asked, with a token.
                Store::Embedded { .. } => " --token <an operator's>",
                Store::Postgres { .. } => "",
            };
            lines.push(match &daemon.first_token {
                Some(how) => format!("  WARNING no token is valid, so nobody gets in: {how}"),
                None => {
                    let whose = "(--agent <id> | --person <name> --role operator|viewer)";
                    format!("  tokens  conductor-e token create{shown} {whose}")
                }
            });
            "-H \"Authorization: Bearer $TOKEN\" "
        }
    };
    lines.push(format!("  agents  curl {shown}'{url}/api/assignments/next?agentId=dev-e-node'"));
    lines.push(format!("  look    curl {shown}{url}/api/issues · {url}/healthz/actors"));
    lines.push("  try     conductor-e demo".to_owned());
    lines
}

/// `migrate`: opening a store brings it up to date.
pub(super) fn migrate(file: Option<&Path>) -> ExitCode {
    with_settings(file, |settings, _runtime| async move {
        let store = open_store(&settings).await?;
        println!("up to date: {}", store.location());
        store.close().await;
        Ok(true)
    })
}

pub(super) fn with_settings<F, Fut>(file: Option<&Path>, main: F) -> ExitCode
where
    F: FnOnce(Settings, Arc<Runtime>) -> Fut,
    Fut: Future<Output = anyhow::Result<bool>>,
{
    let settings = match Settings::load_with(file, &Environment::of_process()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(EXIT_BAD_SETTINGS);
        }
    };
    logging::start(&settings.log);
    for notice in &settings.notices {
        tracing::warn!("{notice}");
    }
    match system::run(|runtime| main(settings, runtime)) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => {
            eprintln!("conductor-e failed to {error:#}");
            let refused = error.downcast_ref::<Failure>();
            if let Some(hint) = refused.and_then(Failure::hint) {
                eprintln!("  {hint}");
            }
            match error.downcast_ref() {
                // Nothing that a restart would mend: somebody has to set something up first.
                Some(StartError::NoToken { .. } | StartError::Broker(_)) => ExitCode::from(EXIT_BAD_SETTINGS),
                Some(StartError::Store(_) | StartError::Listen { .. }) => ExitCode::FAILURE,
                None => refused.map_or(ExitCode::FAILURE, |failure| ExitCode::from(failure.exit_code())),
            }
        }
        Err(error) => {
            eprintln!("conductor-e failed to start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}
