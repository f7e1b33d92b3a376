use std::process::ExitCode;

use clap::Args;
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::client::{Client, DaemonArguments, decoded, why};
use super::failure::Failure;
use super::screen::Screen;

/// What every reading command takes; of a daemon's answers the JSON is its own.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Form {
    /// Show JSON, for scripts.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs a command that asks a running daemon and shows what it says.
pub(super) fn ask(
    daemon: &DaemonArguments,
    show: impl AsyncFnOnce(&Client, &mut Screen<'_>) -> Result<(), Failure>,
) -> ExitCode {
    let asked = || {
        let client = Client::new(daemon)?;
        // One question at a time: one thread is enough.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut screen = Screen::of_process();
        runtime.block_on(show(&client, &mut screen))?;
        Ok(screen.flush()?)
    };
    ended(asked())
}

/// The exit code, after a word about what went wrong.
pub(super) fn ended(end: Result<(), Failure>) -> ExitCode {
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.reader_left() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("conductor-e failed to {failure}");
            if let Some(hint) = failure.hint() {
                eprintln!("  {hint}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Shows an answer: as it came, piece by piece, or in words.
pub(super) async fn show<T: DeserializeOwned>(
    mut answer: Response,
    form: Form,
    screen: &mut Screen<'_>,
    words: impl FnOnce(T, &super::screen::Look) -> String,
) -> Result<(), Failure> {
    if !form.json {
        let rows = decoded(answer).await?;
        let text = words(rows, &screen.look);
        return Ok(screen.line(&text)?);
    }
    let url = answer.url().to_string();
    let cut = |error: reqwest::Error| Failure::CutShort { url: url.clone(), why: why(&error) };
    while let Some(piece) = answer.chunk().await.map_err(cut)? {
        screen.raw(&piece)?;
    }
    Ok(screen.line("")?)
}
