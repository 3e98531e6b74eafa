//! Waiting for moments: of tasks that sleep, and of workflows below in which nothing goes on but time.

use std::time::Duration;

use largestack_engine::graph::NodeWoke;
use largestack_types::errors::Result;
use largestack_types::id::EffectId;
use largestack_types::time::Timestamp;

use super::Drive;

/// How long nothing must go on for a run to be worth giving back meanwhile.
const REST: Duration = Duration::from_secs(2);

impl Drive {
    /// The moments that tasks wait for, of their own and of the workflows that they have started.
    fn moments(&self) -> impl Iterator<Item = (EffectId, Timestamp)> {
        let below = self.resting.iter().map(|(effect, until)| (*effect, *until));
        self.run.sleeping().chain(below)
    }

    /// When something goes on by itself in a run in which nothing else is under way.
    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        self.moments().map(|(_, until)| until).min()
    }

    /// Waits for the moments that tasks wait for.
    pub(super) fn arm(&mut self) {
        let clock = &self.core.runtime.clock;
        let moments: Vec<_> = self.moments().collect();
        for (effect, until) in moments {
            if self.armed.insert(effect) {
                let sleep = clock.sleep(until.since(clock.now()));
                self.timers.push(Box::pin(async move {
                    sleep.await;
                    effect
                }));
            }
        }
    }

    /// Whether nobody need drive a run that waits: where nothing but time has to pass, whoever gave it
    /// here takes it up at that moment, and it is far enough.
    pub(super) fn lets_go(&self) -> bool {
        let now = self.core.runtime.clock.now();
        match self.rests_until() {
            Some(first) => self.gives_back && first.since(now) >= REST,
            None => true,
        }
    }

    /// Tasks that begin anew or are over wait for no moment of a run below.
    pub(super) fn rest_no_more(&mut self, of: impl Fn(EffectId) -> bool) {
        for effect in self.resting.keys().copied().filter(|effect| of(*effect)) {
            self.armed.remove(&effect);
        }
        self.resting.retain(|effect, _| !of(*effect));
    }

    /// A moment has come. A workflow below that was given back is taken up where something else has
    /// kept this run here meanwhile: for its journal that task has waited all along.
    pub(super) fn woke(&mut self, effect: EffectId) -> Result<()> {
        self.armed.remove(&effect);
        if self.resting.remove(&effect).is_some() {
            self.in_flight.extend(self.once_more(effect)?);
            return Ok(());
        }
        // A timer may be that of a try which was given up: what sleeps now is armed again.
        let now = self.core.runtime.clock.now();
        let over = |(sleeping, until)| sleeping == effect && until <= now;
        let sleeps = self.run.sleeping().any(over);
        if sleeps { self.note(NodeWoke { effect }) } else { Ok(()) }
    }
}
