//! `conductor-e`: see `conductor-e --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    conductor_e::cli::run()
}
