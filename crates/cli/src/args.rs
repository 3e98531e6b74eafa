//! What was typed: the global options and the verb with its own. Each verb's arguments stand in
//! its own file.

use std::path::PathBuf;

use clap::{Args, Parser};

use crate::screen::Colour;
use crate::verbs::Verb;

/// Runs governed AI agents: answers with sources, a budget, a durable trace of every step.
#[derive(Debug, Parser)]
#[command(
    name = "largestack",
    version,
    after_help = crate::exit::HELP,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// Options of every verb.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Folder of the state (journal, index, keys); the project's own `.largestack` unless given
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) state: Option<PathBuf>,
    /// When to colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        help = "When to colour: auto, always or never (NO_COLOR is honoured)",
        help_heading = "Global options"
    )]
    pub(crate) color: Colour,
    /// No remarks and no progress on standard error
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
