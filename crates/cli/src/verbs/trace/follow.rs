//! Watching a run that another process drives: the journal is read again and again from where the
//! last reading ended, so that nothing is missed and a restart of the run does not matter.

use std::time::Duration;

use largestack_engine::{Envelope, Event, Recorded};
use largestack_ports::journal::Journal;
use largestack_ports::queue::State;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use super::measured;
use crate::failure::{Failure, Outcome};
use crate::render::timeline::{draw_after, steps};
use crate::screen::Screen;

/// How long after an empty reading the next one comes.
const PAUSE: Duration = Duration::from_millis(100);

/// What is shown of a run while it goes on.
pub(super) struct Follow {
    pub(super) run: RunId,
    /// The last event that is not wanted; 0 for none.
    pub(super) after: u64,
    pub(super) whole: bool,
    pub(super) json: bool,
}

impl Follow {
    /// Refuses to wait for a run that was enqueued and will never begin.
    async fn may_begin(&self, journal: &dyn Journal, scope: &Scope) -> Outcome<()> {
        let Some(queue) = journal.queue() else { return Ok(()) };
        match queue.find(scope, self.run).await? {
            Some(job) if matches!(job.state, State::Cancelled | State::Poisoned) => {
                let detail = format!("{} was {} before it began", self.run, job.state);
                Err(job.error.unwrap_or_else(|| LargestackError::other(Code::Cancelled, detail)))?
            }
            _ => Ok(()),
        }
    }

    /// Shows what happens until the run has ended.
    pub(super) async fn perform(
        &self,
        journal: &dyn Journal,
        scope: &Scope,
        screen: &mut Screen,
    ) -> Outcome<()> {
        let mut events: Vec<Recorded> = Vec::new();
        let mut shown = self.after;
        loop {
            let read = events.last().map_or(0, |last| last.seq);
            let new = journal.read(scope, self.run, read).await?;
            if new.is_empty() {
                if events.is_empty() {
                    self.may_begin(journal, scope).await?;
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let ended = new.iter().any(|new| matches!(&*new.event, Event::RunFinished(_)));
            if self.json {
                for recorded in new.iter().filter(|new| new.seq > self.after) {
                    let line = Envelope::seal(scope.tenant(), self.run, recorded);
                    screen.json_line(&line.map_err(|error| Failure::unwritable(&error))?)?;
                }
            }
            events.extend(new);
            if !self.json {
                let steps = measured(journal, scope, steps(&events)).await?;
                screen.print(&draw_after(&steps, shown, self.whole))?;
                shown = shown.max(events.last().map_or(0, |last| last.seq));
            }
            if ended {
                return Ok(());
            }
        }
    }
}
