//! `largestack guard`: what the guards find in a text, and why; in one process for a whole corpus.
//! Values are shown where they are asked for, and nowhere else.

mod decision;
mod explain;
mod input;
mod policy;
mod scan;

use clap::Subcommand;

use crate::failure::Outcome;
use crate::screen::Screen;
use crate::verbs::Speech;

/// Scans texts as the guards of an agent do.
#[derive(Debug, Subcommand)]
pub(crate) enum Guard {
    /// Say what the guards find in a text and what they do about it
    Scan(scan::Scan),
    /// Say why: how each thing was told, and what can be found at all
    Explain(explain::Explain),
}

impl Guard {
    /// How results and errors are said.
    pub(crate) fn speech(&self) -> Speech {
        match self {
            Self::Scan(scan) => scan.speech(),
            Self::Explain(explain) => explain.speech(),
        }
    }

    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        match self {
            Self::Scan(scan) => scan.perform(screen),
            Self::Explain(explain) => explain.perform(screen),
        }
    }
}
