use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::config::{Environment, Settings};
use crate::daemon::logging;
use crate::daemon::open_store::open_store;
use crate::daemon::start::Daemon;
use crate::story::{self, Narrator, Rig};

use super::system;

/// The secret that the demo's GitHub and daemon share; it never leaves this process.
const SECRET: &str = "a secret between the demo and itself";

/// `demo`: the whole story, played over HTTP to a daemon of its own.
pub(super) fn demo(keep: bool) -> ExitCode {
    match system::run(|runtime| play(runtime, keep)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("\nThe demo stopped: {error:#}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("conductor-e failed to start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(runtime: Arc<Runtime>, keep: bool) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("conductor-e-demo-").tempdir()?;
    let environment = Environment::of([
        ("CONDUCTOR_BIND", "127.0.0.1:0"),
        ("CONDUCTOR_DATA_DIR", folder.path().to_str().unwrap_or_default()),
        ("GITHUB_WEBHOOK_SECRET", SECRET),
        ("CONDUCTOR_LOG", "warn"),
    ]);
    let mut settings = Settings::load(&environment)?;
    // Nobody watches a head settle for two minutes.
    settings.policy.timers.review_after = Duration::from_millis(1);
    logging::start(&settings.log);
    let daemon = Daemon::start(&settings, open_store(&settings).await?, &runtime).await?;
    let narrator = Narrator::aloud();
    narrator.headline(&format!("A daemon on {} with an empty log in {}", daemon.url, folder.path().display()));
    let rig = Rig::connect(&daemon.url, SECRET, narrator);
    let told = story::play_all(&rig).await;
    if told.is_ok() {
        if keep {
            println!("\nAll of it held. Look around, in another shell:");
            for command in ["issues", "issue acme/web#42", "explain acme/web#43", "events"] {
                println!("  conductor-e {command} --url {}", daemon.url);
            }
            println!("  curl {}/healthz/actors", daemon.url);
            println!("The daemon goes on until Ctrl-C; then its log is thrown away.");
            system::asked_to_stop().await?;
        } else {
            println!("\nAll of it held. `conductor-e demo --keep` leaves the daemon running, to look around.");
        }
    }
    daemon.stop().await;
    told
}
