//! What need not be kept any longer: whole trees of runs that have ended, with what nothing else refers
//! to. What was spent stays in the cost report.

use largestack_engine::Recorded;
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::Serialize;

use crate::BoxFuture;

/// Which runs of a tenant may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Those that were last written before this; `None`: of any age.
    pub before: Option<Timestamp>,
    /// So many of the newest trees stay, whatever their age.
    pub keep: u64,
    /// Nothing is removed: only what would be is counted.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Runs, those below others too.
    pub runs: u64,
    /// Their events.
    pub events: u64,
    /// Parts kept by their hash that nothing refers to any more.
    pub blobs: u64,
    /// Bytes of these events and parts.
    pub bytes: u64,
    /// Trees that the rule names and that stay all the same.
    pub kept: Kept,
}

/// Why trees of runs stay that are old enough to go, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// A run has not ended: it is under way, waits, or was cut off.
    pub open: u64,
    /// A process holds a run.
    pub held: u64,
    /// A conversation that is kept holds what was said in it.
    pub in_sessions: u64,
    /// A run that stays was forked from it.
    pub forked: u64,
}

/// Events of a run that has ended, to be given up for one that stands for them.
#[derive(Clone, Debug)]
pub struct Compaction {
    /// The run.
    pub run: RunId,
    /// What takes the place of all events behind the first, up to the one with its number.
    pub by: Recorded,
    /// The number of the run's last event.
    pub last: u64,
}

/// Removes what need not be kept.
pub trait Retention: Send + Sync + 'static {
    /// Removes the trees of runs that the rule names: events, lines in lists, questions to people,
    /// values behind placeholders, and parts that nothing refers to. Never a tree of which something
    /// is open, held, part of a conversation that is kept, or forked by a run that stays. A tree goes
    /// as a whole, or not at all, with the parts that only it named.
    fn prune<'a>(&'a self, scope: &'a Scope, rule: Rule) -> BoxFuture<'a, Result<Pruned>>;

    /// The runs of trees that the rule names, which are over and which nobody holds; with why others are
    /// as they are. Those of conversations, and those that were forked, are among them: what these have
    /// of a run is kept beside its events.
    fn over<'a>(
        &'a self,
        scope: &'a Scope,
        rule: Rule,
    ) -> BoxFuture<'a, Result<(Vec<RunId>, Kept)>>;

    /// Gives up events of a run: all of them at once, or none. `false` where the run is another one than
    /// when it was looked at: it is gone, held or has other events.
    fn compact<'a>(
        &'a self,
        scope: &'a Scope,
        compaction: Compaction,
    ) -> BoxFuture<'a, Result<bool>>;
}
