//! `largestack diff`: two runs side by side.

use clap::Args;
use largestack_agent::agent::fold_stored;
use largestack_engine::compare;
use largestack_engine::{Recorded, Run};
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};

use super::target;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::diff::{self, Document, Inherited, Parting, Side};
use crate::render::run_json::dollars;
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Compares two runs.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// Two runs: their ids, the beginnings of them, or `last`
    #[arg(value_name = "RUN", num_args = 2, required = true)]
    runs: Vec<String>,
    /// The project; the nearest one unless given
    #[arg(long, value_name = "PATH")]
    project: Option<std::path::PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl Diff {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let (_, shared) = Shared::of_project(global, self.project.as_deref(), For::Reading)?;
        let document = blocking(self.compared(&*shared.journal))??;
        if self.json {
            screen.json(&document)?;
        } else {
            screen.print(&diff::drawn(&document))?;
        }
        Ok(exit::DONE)
    }

    async fn compared(&self, journal: &dyn Journal) -> Result<Document> {
        let [left, right] = self.runs.as_slice() else {
            return Err(LargestackError::other(Code::Input, "two runs are compared"));
        };
        let (left, lefts) = read(journal, left).await?;
        let (right, rights) = read(journal, right).await?;
        let steps = compare::aligned(&compare::steps(&lefts), &compare::steps(&rights));
        let parting = steps.iter().find(|pair| !pair.is_same()).map(|pair| Parting {
            left: pair.left.as_ref().map(|step| step.seq),
            right: pair.right.as_ref().map(|step| step.seq),
            differs: pair.differs.clone(),
        });
        Ok(Document {
            left: side(&left),
            right: side(&right),
            shared_events: compare::shared(&lefts, &rights),
            first_difference: parting,
            steps,
        })
    }
}

async fn read(journal: &dyn Journal, name: &str) -> Result<(Run, Vec<Recorded>)> {
    let scope = compose::scope();
    let run = target::find(journal, &scope, name).await?;
    fold_stored(journal, &scope, run).await
}

fn side(run: &Run) -> Side {
    Side {
        run: run.id().to_string(),
        status: run.status().name(),
        finish_reason: run.end().map(|end| end.reason.name()),
        turns: run.turns(),
        usage: run.tree_usage(),
        cost_nanos: run.tree_cost().nanos(),
        cost_usd: dollars(run.tree_cost()),
        inherited: run.branch().map(Inherited::of),
    }
}
