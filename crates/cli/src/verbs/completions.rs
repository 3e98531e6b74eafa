//! `largestack completions SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "largestack", &mut script);
        screen.print_bytes(&script)?;
        Ok(exit::DONE)
    }
}
