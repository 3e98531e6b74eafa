//! What somebody has decided about calls that were cut off and may have happened.

use std::sync::Arc;

use largestack_engine::event::DoubtDecision;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};

/// A decision about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The run that made it: the one that is taken up, or one below it.
    pub run: RunId,
    /// The call.
    pub effect: EffectId,
    /// What becomes of it.
    pub decision: DoubtDecision,
    /// What it returned, where it happened: a text, or JSON. It passes the guards as a result does.
    pub output: Option<Arc<str>>,
}

impl Doubt {
    /// This becomes of a call.
    pub fn new(run: RunId, effect: EffectId, decision: DoubtDecision) -> Self {
        Self { run, effect, decision, output: None }
    }

    /// It did happen, and returned this.
    pub fn happened(run: RunId, effect: EffectId, output: impl Into<Arc<str>>) -> Self {
        let output = Some(output.into());
        Self { output, ..Self::new(run, effect, DoubtDecision::Happened) }
    }
}

/// Decisions about the calls in doubt of a tree of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// What becomes of those of which nothing is said by themselves.
    pub others: Option<DoubtDecision>,
    /// What becomes of each by itself.
    pub each: Arc<[Doubt]>,
}

impl Doubts {
    /// What was decided about a call, and what it returned where it happened.
    pub fn of(&self, run: RunId, effect: EffectId) -> Option<(DoubtDecision, Option<&Arc<str>>)> {
        let own = self.each.iter().find(|doubt| (doubt.run, doubt.effect) == (run, effect));
        let own = own.map(|doubt| (doubt.decision, doubt.output.as_ref()));
        own.or_else(|| self.others.map(|decision| (decision, None)))
    }

    /// `LARGESTACK_INPUT` where it decides about calls of this run that are not in doubt, about one of
    /// them twice, or says that one happened without what it returned.
    pub fn check(&self, run: RunId, in_doubt: &[EffectId]) -> Result<()> {
        let wrong = |detail: String, advice: &str| {
            Err(LargestackError::with_advice(Code::Input, detail, advice))
        };
        let happened = |decision| decision == DoubtDecision::Happened;
        let unsaid = self.each.iter().find(|one| happened(one.decision) != one.output.is_some());
        if self.others.is_some_and(happened) || unsaid.is_some() {
            let detail = "a call that happened has an output, and no other has".to_owned();
            return wrong(
                detail,
                "Say for each call by itself that it happened, and what it returned",
            );
        }
        for (at, doubt) in self.each.iter().enumerate().filter(|(_, doubt)| doubt.run == run) {
            let effect = doubt.effect;
            if !in_doubt.contains(&effect) {
                let detail = format!("{effect} of {run} is not in doubt");
                return wrong(detail, "`largestack trace RUN` shows what the run waits for");
            }
            let before = self.each.iter().take(at);
            if before.into_iter().any(|other| (other.run, other.effect) == (run, effect)) {
                return wrong(format!("two things are decided about {effect}"), "Decide once");
            }
        }
        Ok(())
    }
}
