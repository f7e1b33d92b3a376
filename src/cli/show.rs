use std::path::Path;
use std::process::ExitCode;

use super::reading::{Form, ended};
use super::screen::Screen;
use crate::config::{EXIT_BAD_SETTINGS, Effective, Environment, Settings};

/// `config show`: what holds, secrets hidden.
pub(super) fn show(file: Option<&Path>, form: Form) -> ExitCode {
    let settings = match Settings::load_with(file, &Environment::of_process()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(EXIT_BAD_SETTINGS);
        }
    };
    let effective = Effective::of(&settings);
    let text = if form.json {
        serde_json::to_string_pretty(&effective).map_err(|error| error.to_string())
    } else {
        effective.to_toml().map_err(|error| error.to_string())
    };
    let mut screen = Screen::of_process();
    match text {
        Ok(text) => ended(screen.line(text.trim_end()).and_then(|()| screen.flush()).map_err(Into::into)),
        Err(error) => {
            eprintln!("conductor-e failed to write the settings: {error}");
            ExitCode::FAILURE
        }
    }
}
