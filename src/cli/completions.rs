use std::process::ExitCode;

use clap::Command;
use clap_complete::{Shell, generate};

use super::reading::ended;
use super::screen::Screen;

/// Where shells look for them.
pub(super) const EXAMPLES: &str = "\
Examples:
  conductor-e completions bash > ~/.local/share/bash-completion/completions/conductor-e
  conductor-e completions zsh > ~/.zfunc/_conductor-e        (with ~/.zfunc in fpath)
  conductor-e completions fish > ~/.config/fish/completions/conductor-e.fish";

/// `completions`: what a shell needs to know of this program.
pub(super) fn completions(shell: Shell, mut command: Command) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    let mut screen = Screen::of_process();
    ended(screen.raw(&script).and_then(|()| screen.flush()).map_err(Into::into))
}
