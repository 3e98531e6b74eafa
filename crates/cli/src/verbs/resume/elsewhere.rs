//! `largestack resume` of a run that Restate drives: it is told what it waits for.

use largestack_ports::approvals::Standing;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use std::sync::Arc;

use super::super::doubts::of_all;
use super::super::target;
use super::Resume;
use super::workflow::events;
use crate::compose::{self, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::render::text::clean;
use crate::restate::{self, Heard, Word};
use crate::screen::Screen;
use crate::shared::Shared;

/// The run at the top of the one of this name and who drives it, where another engine does.
pub(super) async fn driven(journal: &dyn Journal, name: &str) -> Result<Option<(RunId, Arc<str>)>> {
    let scope = compose::scope();
    let run = target::find(journal, &scope, name).await?;
    let known = journal.run(&scope, run).await?;
    Ok(known.and_then(|known| Some((known.root, known.engine?))))
}

/// That a run goes on where it is driven.
pub(in crate::verbs) fn goes_on_there(run: RunId, engine: &str, heard: Heard) -> String {
    let engine = clean(engine);
    match heard {
        Heard::Now => format!("{run} goes on: {engine} was told."),
        Heard::Later => format!("{run} goes on when a worker of {engine} is there again."),
    }
}

impl Resume {
    /// Tells a run what it waits for: what was typed, and which of its questions are decided.
    pub(super) fn elsewhere(
        &self,
        shared: &Shared,
        (run, engine): (RunId, &str),
        screen: &mut Screen,
    ) -> Outcome {
        let mut words: Vec<Word> =
            of_all(run, &self.in_doubt)?.map(Word::InDoubt).into_iter().collect();
        let events = events(&self.event)?;
        words.extend(events.into_iter().map(|(name, data)| Word::Event(name, data)));
        let heard = with_runtime(async {
            if words.is_empty() {
                words = decided(shared, run).await?;
            }
            if words.is_empty() {
                return Err(LargestackError::with_advice(
                    Code::Conflict,
                    format!("{run} is driven by {engine}, and nothing is there to tell it"),
                    "Answer what it asks (`largestack approvals`), give it --event or --in-doubt, or \
                     start a worker: largestack worker FOLDERS --engine restate",
                ));
            }
            restate::tell(engine, run, words).await
        })??;
        screen.note(&goes_on_there(run, engine, heard));
        Ok(exit::DONE)
    }
}

/// The questions that it waits for and that are decided.
async fn decided(shared: &Shared, run: RunId) -> Result<Vec<Word>> {
    let scope = compose::scope();
    let mut words = Vec::new();
    for id in restate::waits(shared, &scope, run).await? {
        let Some(question) = shared.approvals.find(&scope, id).await? else { continue };
        if matches!(question.standing(compose::now()), Standing::Decided { .. }) {
            words.push(Word::Answered(id));
        }
    }
    Ok(words)
}
