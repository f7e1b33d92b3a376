use std::path::Path;
use std::process::ExitCode;

use crate::config::{self, EXIT_BAD_SETTINGS, Environment};

/// `config check`: says what was found, and whether a daemon would start with it.
pub(super) fn check(file: Option<&Path>) -> ExitCode {
    let checked = config::check(file, &Environment::of_process());
    print!("{}", checked.report);
    if checked.sound { ExitCode::SUCCESS } else { ExitCode::from(EXIT_BAD_SETTINGS) }
}
