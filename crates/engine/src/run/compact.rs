//! Leaving events out of a journal: the run as they left it is folded in their place.

use std::sync::Arc;

use super::{FoldError, Run};
use crate::definition::Definition;
use crate::event::Compacted;

/// In the place of a definition that is known from elsewhere.
pub(super) fn unsaid() -> Arc<Definition> {
    Arc::new(Definition::new("", "", ""))
}

pub(super) fn is_unsaid(definition: &Definition) -> bool {
    definition.agent.is_empty() && definition.model.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(super) const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Run {
    /// What may stand in the place of all events behind the first that were folded into this run;
    /// `begun` is the run after that first one. Nothing where there is none to leave out, or where
    /// `begun` is another run's.
    pub fn compacted(&self, begun: &Self) -> Option<Compacted> {
        if begun.seq != 1 || self.seq < 2 || begun.id != self.id {
            return None;
        }
        let mut run = self.clone();
        let same = self.messages.iter().zip(begun.messages.iter()).take_while(|(a, b)| a == b);
        let told = same.count();
        run.messages = Arc::new(self.messages.iter().skip(told).cloned().collect());
        let as_begun = self.definition == begun.definition;
        if as_begun {
            run.definition = unsaid();
        }
        let told = u32::try_from(told).ok()?;
        Some(Compacted {
            events: self.seq - 1,
            parts: Vec::new(),
            told,
            as_begun,
            run: Box::new(run),
        })
    }

    /// Takes the place of events that are gone.
    pub(super) fn restore(&mut self, data: &Compacted) -> Result<(), FoldError> {
        let misplaced = |why| FoldError::OutOfPlace { seq: self.seq, kind: "compacted", why };
        if self.seq != 2 {
            return Err(misplaced("it stands behind the first event or nowhere"));
        }
        if data.run.seq != data.events + 1 {
            return Err(misplaced("it stands for other events than it says"));
        }
        let told = self.messages.get(..data.told as usize);
        let told = told.ok_or(misplaced("the first event does not begin with what it was told"))?;
        let messages = told.iter().chain(data.run.messages.iter()).cloned().collect();
        // A fork has it from the run that was forked.
        let mut run = Self { id: self.id, messages: Arc::new(messages), ..(*data.run).clone() };
        if data.as_begun {
            run.definition = Arc::clone(&self.definition);
        }
        *self = run;
        Ok(())
    }
}
