//! What was found in a text that goes no further: an error takes its place, and the driver records
//! beside that what was found.

use std::sync::{Mutex, PoisonError};

use largestack_engine::event::FindingRecord;
use largestack_types::id::EffectId;
use largestack_types::part::PartId;

use super::RunGuard;

/// Most findings that are kept of texts that were refused: an event of more says nothing more.
const MOST: usize = 256;

/// Findings that no event holds yet, by the effect that their text belongs to.
#[derive(Default)]
pub(super) struct Noted(Mutex<Vec<(EffectId, FindingRecord)>>);

impl RunGuard {
    /// Notes what was found in a part that is refused.
    pub(crate) fn note(&self, part: PartId, found: impl IntoIterator<Item = FindingRecord>) {
        let (effect, _) = part.into();
        self.note_of(EffectId::new(effect), found);
    }

    /// The same of an effect.
    pub(crate) fn note_of(&self, effect: EffectId, found: impl IntoIterator<Item = FindingRecord>) {
        let mut noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(noted.len());
        noted.extend(found.into_iter().take(room).map(|found| (effect, found)));
    }

    /// What was noted of an effect, to be recorded.
    pub(crate) fn noted_of(&self, effect: EffectId) -> Vec<FindingRecord> {
        let mut noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = noted.extract_if(.., |(of, _)| *of == effect);
        of.map(|(_, found)| found).collect()
    }

    /// Everything that was noted: of messages that came from elsewhere, whose parts belong to effects of
    /// other runs.
    pub(crate) fn all_noted(&self) -> Vec<FindingRecord> {
        let mut noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.drain(..).map(|(_, found)| found).collect()
    }
}
