//! Prompt injection in what a run reads: what somebody asks, and what nobody vouches for.

use std::sync::Arc;

use largestack_engine::event::FindingRecord;
use largestack_guard::inject::{Action, Channel, Policy, Screened};
use largestack_types::errors::{GuardrailBlockedError, LargestackError};
use largestack_types::part::PartId;

use super::RunGuard;

/// What findings, errors and policies call it.
const KIND: &str = "injection";

/// A text that was flagged, and what becomes of it.
pub(crate) struct Injected {
    /// What the model reads instead.
    pub(crate) text: Option<Arc<str>>,
    pub(crate) finding: FindingRecord,
    /// Why the run ends, where the policy blocks.
    pub(crate) blocked: Option<LargestackError>,
}

impl RunGuard {
    /// What is done about texts that try to give orders.
    pub(crate) fn injection(&self) -> &Policy {
        &self.guard.policy().injection
    }

    /// Looks at a text on its way to the model. `None`, nearly always: there is nothing to do.
    pub(crate) fn injected(
        &self,
        part: PartId,
        place: &str,
        text: &str,
        channel: Channel,
    ) -> Option<Injected> {
        let Screened { action, verdict, text } = self.injection().screen(text, channel)?;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let finding = FindingRecord {
            part,
            kind: KIND.into(),
            start: narrow(verdict.span.start),
            end: narrow(verdict.span.end),
            action: action.name().into(),
        };
        let blocked = (action == Action::Block).then(|| {
            let signals: Vec<String> =
                verdict.reasons.iter().take(3).map(|reason| reason.signal.to_string()).collect();
            GuardrailBlockedError {
                guard_type: KIND.into(),
                detail: format!(
                    "{place} reads like an attempt to give the assistant orders ({})",
                    signals.join(", ")
                ),
            }
            .into()
        });
        Some(Injected { text: text.map(Into::into), finding, blocked })
    }
}
