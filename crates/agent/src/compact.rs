//! Keeping less of runs that are over: the events of an agent's run are folded, and the run as they left
//! it takes their place between the first and the last. What was spent is in the cost report as before,
//! and so are the conversation and the end; what is gone is how it came about.

use std::collections::BTreeSet;
use std::sync::Arc;

use largestack_engine::{Event, Recorded};
use largestack_ports::journal::Journal;
use largestack_ports::retention::{Compaction, Kept, Retention, Rule};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde::Serialize;

use crate::agent::{fold, stored_definition};

/// Fewer events than these are not worth another one.
const FEWEST: usize = 4;

/// What was given up, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shrunk {
    /// Runs that have fewer events now.
    pub runs: u64,
    /// Events that are gone.
    pub events: u64,
    /// Bytes that are gone, less those of what stands for the events.
    pub bytes: u64,
    /// Runs that the rule names and that stay as they are: those of workflows, forks, those in which an
    /// agent took over, those that an engine outside drives, those that have been compacted, and those
    /// that would not become smaller.
    pub as_they_were: u64,
    /// Runs that the rule names and that could not be read, or not be written: they are as they were.
    pub failed: u64,
    /// The first of these, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failed: Option<Failed>,
    /// Trees that the rule names and of which nothing is given up.
    pub kept: Kept,
}

/// A run that could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Which.
    pub run: RunId,
    /// Why.
    pub error: LargestackError,
}

impl Shrunk {
    /// Counts what came of a run: the events and bytes that it has given up, nothing where it stays.
    fn count(&mut self, run: RunId, done: Result<Option<(u64, u64)>>) {
        match done {
            Ok(Some((events, bytes))) => {
                self.runs += 1;
                self.events += events;
                self.bytes += bytes;
            }
            Ok(None) => self.as_they_were += 1,
            Err(error) => {
                self.failed += 1;
                self.first_failed.get_or_insert(Failed { run, error });
            }
        }
    }
}

/// Compacts the runs of this tenant that the rule names and that are over: see
/// [`Retention`]. One that fails is counted, and the others are
/// compacted all the same. `LARGESTACK_CONFIG` where runs go with the process.
pub async fn compact(journal: &dyn Journal, scope: &Scope, rule: Rule) -> Result<Shrunk> {
    let gone = "runs in memory go with the process, and are not compacted";
    let retention = journal.retention();
    let retention = retention.ok_or_else(|| LargestackError::other(Code::Config, gone))?;
    let (runs, kept) = retention.over(scope, rule).await?;
    let mut shrunk = Shrunk { kept, ..Shrunk::default() };
    for run in runs {
        let done = shrink(journal, retention, scope, (run, rule.dry_run)).await;
        shrunk.count(run, done);
    }
    Ok(shrunk)
}

/// Compacts a run, or only looks; what that saves, nothing where it stays as it is.
async fn shrink(
    journal: &dyn Journal,
    retention: &dyn Retention,
    scope: &Scope,
    (run, dry_run): (RunId, bool),
) -> Result<Option<(u64, u64)>> {
    let Some((compaction, saved)) = compaction(journal, scope, run).await? else {
        return Ok(None);
    };
    let done = dry_run || retention.compact(scope, compaction).await?;
    Ok(done.then_some(saved))
}

/// What a run may be compacted to, with the events and bytes that this saves; nothing where it is not
/// worth it.
async fn compaction(
    journal: &dyn Journal,
    scope: &Scope,
    run: RunId,
) -> Result<Option<(Compaction, (u64, u64))>> {
    // A copy is compared with what its engine keeps, event by event, and is its to shorten.
    let line = journal.run(scope, run).await?;
    if line.is_none_or(|line| line.engine.is_some()) {
        return Ok(None);
    }
    let events = journal.read(scope, run, 0).await?;
    let [first, .., before, last] = &events[..] else { return Ok(None) };
    let Event::RunStarted(started) = &*first.event else { return Ok(None) };
    // What an agent has said before another one took over stands in no fold.
    let stays = |event: &Recorded| {
        matches!(&*event.event, Event::Forked(_) | Event::Compacted(_) | Event::TookOver(_))
    };
    let ended = matches!(&*last.event, Event::RunFinished(_));
    if events.len() < FEWEST || !ended || events.iter().any(stays) {
        return Ok(None);
    }
    let definition = Arc::new(stored_definition(journal, scope, started.definition).await?);
    let (going, begun) = (events.get(..events.len() - 1), events.get(..1));
    let begun = fold(run, &definition, begun.unwrap_or_default())?;
    let left = fold(run, &definition, going.unwrap_or_default())?.compacted(&begun);
    let Some(mut left) = left else { return Ok(None) };
    let unwritten =
        |error: serde_json::Error| LargestackError::other(Code::Journal, error.to_string());
    let (mut bytes, mut named) = (0, BTreeSet::new());
    for event in events.iter().take(events.len() - 1).skip(1) {
        let data = event.event.data().map_err(unwritten)?;
        bytes += data.len();
        named.extend(Hash::named_in(&data));
    }
    let stays = Event::Compacted(left.clone()).data().map_err(unwritten)?;
    for hash in Hash::named_in(&stays) {
        named.remove(&hash);
    }
    left.parts = named.into_iter().collect();
    let count = left.events;
    let event = Event::Compacted(left);
    let stays = event.data().map_err(unwritten)?;
    let Some(saved) = bytes.checked_sub(stays.len()).filter(|saved| *saved > 0) else {
        return Ok(None);
    };
    let by = Recorded { seq: before.seq, at: before.at, event: Arc::new(event) };
    // What stands for the events is one itself.
    Ok(Some((Compaction { run, by, last: last.seq }, (count - 1, saved as u64))))
}
