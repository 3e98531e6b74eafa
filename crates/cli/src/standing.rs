//! Where a run stands that has not ended: what its events say of it, since its line in lists is
//! written when it begins, waits and ends; and whether anybody goes on with it.

use largestack_agent::agent::fold_stored;
use largestack_engine::Status;
use largestack_ports::journal::RunSummary;
use largestack_types::errors::Result;
use largestack_types::scope::Scope;

use crate::shared::Shared;

/// A run's line, as its events have it.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The line.
    pub(crate) run: RunSummary,
    /// Whether it was cut off: it has not ended, and no process goes on with it.
    pub(crate) interrupted: bool,
}

impl Standing {
    /// Where the run of this line stands.
    pub(crate) async fn of(store: &Shared, scope: &Scope, run: RunSummary) -> Result<Self> {
        if run.status != Status::Running || store.is_driven(scope, run.run).await? {
            return Ok(Self { run: counted(store, scope, run).await?, interrupted: false });
        }
        // Whoever drove it may have ended it and let go of it since the line was read.
        let again = store.journal.run(scope, run.run).await?.unwrap_or(run);
        let interrupted = again.status == Status::Running;
        Ok(Self { run: counted(store, scope, again).await?, interrupted })
    }

    /// The same for each of these.
    pub(crate) async fn of_all(
        store: &Shared,
        scope: &Scope,
        runs: Vec<RunSummary>,
    ) -> Result<Vec<Self>> {
        let mut all = Vec::with_capacity(runs.len());
        for run in runs {
            all.push(Self::of(store, scope, run).await?);
        }
        Ok(all)
    }

    /// Its status in a word.
    pub(crate) fn word(&self) -> &'static str {
        if self.interrupted { "interrupted" } else { self.run.status.name() }
    }
}

/// The line of a run under way with what its events count. One whose events cannot be folded keeps
/// the counts that it has: `replay` says why.
async fn counted(store: &Shared, scope: &Scope, mut line: RunSummary) -> Result<RunSummary> {
    if line.status != Status::Running {
        return Ok(line);
    }
    let Ok((run, events)) = fold_stored(&*store.journal, scope, line.run).await else {
        return Ok(line);
    };
    (line.seq, line.turns) = (run.seq(), run.turns());
    (line.usage, line.cost) = (run.usage(), run.cost());
    if let Some(last) = events.last() {
        line.updated = last.at;
    }
    Ok(line)
}
