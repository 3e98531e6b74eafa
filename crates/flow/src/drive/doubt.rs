//! Tasks that were cut off and may have happened, when a run is taken up: what somebody has decided about
//! each, or about all.

use std::time::Duration;

use largestack_engine::Wait;
use largestack_engine::event::{DoubtSettled, Event};
use largestack_types::errors::Result;
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use serde_json::Value;

use super::Drive;
use super::land::{Came, Landed};

impl Drive {
    /// Applies what was decided about tasks in doubt; without a decision they keep waiting.
    pub(super) async fn settle_doubts(&mut self) -> Result<()> {
        let waits = self.run.waits().into_iter();
        let in_doubt: Vec<_> = waits
            .filter_map(|wait| match wait {
                Wait::Doubt { effect } => Some(effect),
                _ => None,
            })
            .collect();
        let (run, decided) = (self.run.id(), self.in_doubt.clone());
        // One below is taken up as often as the run above it goes on.
        if self.above.is_none() {
            decided.check(run, &in_doubt)?;
        }
        for effect in in_doubt {
            let Some((decision, output)) = decided.of(run, effect) else { continue };
            let by = self.lease.scope.principal().into();
            self.note(Event::DoubtSettled(DoubtSettled { effect, decision, by }))?;
            if let Some(output) = output {
                self.happened(effect, output).await?;
            }
        }
        Ok(())
    }

    /// Records what a task came to that nobody here has seen happen, as somebody says it.
    async fn happened(&mut self, effect: EffectId, output: &str) -> Result<()> {
        let text = || Value::String(output.to_owned());
        let value: Value = serde_json::from_str(output).unwrap_or_else(|_| text());
        let node = self.run.task(effect).map(|task| task.node);
        // A node that says what it chose beside its output has nothing else to say it by here.
        let beside = node.filter(|node| node.choose.is_none());
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let choice = beside.zip(word(&value).or_else(|| Some(output.to_owned())));
        let choice = choice
            .and_then(|(node, word)| node.choices.iter().find(|known| ***known == *word).cloned());
        let said = (value, self.label_of(effect).join(Label::from_origin(Origin::User)));
        let guarded = self.own.protect_from_outside(effect, "an output", said).await?;
        self.was_given(&guarded.value);
        self.note_findings((effect, "guard_output"), guarded.findings)?;
        let came = Came::known(guarded.value, choice, guarded.label);
        self.land(Landed { effect, came, duration: Duration::ZERO }).await
    }
}
