//! Measurements. Contestants take turns within each round, in a rotating order, so that what the
//! machine does meanwhile falls on all of them; a ratio is the median of the rounds' ratios.

mod child;
mod contest;
pub(crate) mod flow;
pub(crate) mod gateway;
mod guard;
mod journal;
mod start;
pub(crate) mod turns;

use std::path::Path;

use clap::Subcommand;

use crate::Outcome;
use crate::report::Report;

/// What can be measured.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Bench {
    /// Workflows: a chain and a fan-out beside raw commits, and suspended runs; in Postgres, too, where
    /// `LARGESTACK_TEST_POSTGRES` names a server.
    Flow,
    /// The gateway beside a pass-through: CPU time, latency, streams, memory; and the decoders.
    Gateway,
    /// The guard over prose and hostile texts, beside one automaton of all it looks for.
    Guard,
    /// The journal in SQLite beside raw commits of the same rows.
    Journal,
    /// The agent loop beside two bare ones: CPU time, or instructions with `--gate`.
    Loop {
        /// Count instructions with callgrind instead, and fail above the limit.
        #[arg(long)]
        gate: bool,
    },
    /// Start-up: `--help` beside a C command line, and an offline run.
    Start,
}

impl Bench {
    /// What is built for it: instructions are compared, so that what all contestants lack does not
    /// matter; time is measured as the product takes it.
    pub(crate) const fn profile(self) -> &'static str {
        if matches!(self, Self::Loop { gate: true }) { "gate" } else { "release" }
    }

    pub(crate) fn measure(self, root: &Path, target: &Path) -> Outcome<Report> {
        match self {
            Self::Flow => flow::measure(root, target),
            Self::Gateway => gateway::measure(root, target),
            Self::Guard => guard::measure(),
            Self::Journal => journal::measure(root, target),
            Self::Loop { gate: false } => turns::measure(root, target),
            Self::Loop { gate: true } => turns::gate(root, target),
            Self::Start => start::measure(root, target),
        }
    }
}
