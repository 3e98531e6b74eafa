//! The operator's instructions in what comes out of a run: what of them is looked for, and the mark that
//! each run's have.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use largestack_engine::Run;
use largestack_engine::event::FindingRecord;
use largestack_guard::leak::{
    Canary, Instructions, Known, Leak, LeakAction, LeakFilter, LeakPolicy,
};
use largestack_types::call::Call;
use largestack_types::errors::{GuardrailBlockedError, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, PartId};

/// What findings, errors and policies call it.
pub(crate) const KIND: &str = "prompt_leak";

/// What an agent looks for.
pub(crate) struct Leaks {
    policy: LeakPolicy,
    /// Of what every run is told.
    own: OnceLock<Option<Instructions>>,
}

impl Leaks {
    /// `None` where nothing is looked for.
    pub(crate) fn of(policy: &LeakPolicy) -> Option<Arc<Self>> {
        let looks = policy.action != LeakAction::Allow;
        looks.then(|| Arc::new(Self { policy: policy.clone(), own: OnceLock::new() }))
    }

    /// Of what this run is told; `None` where that is too short to be told from other text.
    pub(crate) fn of_run(&self, run: &Run) -> Option<Arc<RunLeak>> {
        let told = run.messages().first().filter(|message| message.role == Role::System)?;
        let text = told.text();
        let of = if *text == *run.definition().instructions {
            self.own.get_or_init(|| Instructions::of(&text, &self.policy)).clone()?
        } else {
            Instructions::of(&text, &self.policy)?
        };
        let marked = self.policy.canary.then(|| {
            let canary = Hash::of_all([b"canary".as_slice(), run.id().as_bytes()]);
            let canary = Canary::from_bytes(canary.as_bytes());
            (of.clone().with_canary(&canary), Arc::new(with_line(told, &canary.line())))
        });
        let (of, marked) = match marked {
            Some((of, marked)) => (of, Some(marked)),
            None => (of, None),
        };
        let heard = Mutex::default();
        Some(Arc::new(RunLeak { of, action: self.policy.action, marked, heard }))
    }
}

/// Instructions with a line behind them.
pub(crate) fn with_line(told: &Message, line: &str) -> Message {
    let Message { role, mut parts, .. } = Message::clone(told);
    let last = parts.iter_mut().rev().find_map(|part| match &mut part.body {
        Body::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = last {
        *text = format!("{text}{line}").into();
    }
    Message::new(role, parts)
}

/// What is looked for in one run.
pub(crate) struct RunLeak {
    of: Instructions,
    action: LeakAction,
    /// The instructions with their mark, where they have one.
    marked: Option<Arc<Message>>,
    /// What users have said of it themselves, and how many messages of the run were read for that.
    heard: Mutex<(usize, Known)>,
}

impl RunLeak {
    pub(crate) const fn action(&self) -> LeakAction {
        self.action
    }

    /// Reads what users have said since.
    pub(crate) fn hear(&self, messages: &[Arc<Message>]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, known) = &mut *heard;
        let fresh = messages.get((*read).min(messages.len())..).unwrap_or_default();
        for message in fresh.iter().filter(|message| message.role == Role::User) {
            self.of.hear(&message.text(), known);
        }
        *read = messages.len();
    }

    fn known(&self) -> Known {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Marks the instructions of a call.
    pub(crate) fn mark(&self, call: &mut Call) {
        let Some(marked) = &self.marked else { return };
        let mut messages = Vec::clone(&call.messages);
        if let Some(first) = messages.first_mut().filter(|first| first.role == Role::System) {
            *first = Arc::clone(marked);
        }
        call.messages = Arc::new(messages);
    }

    /// A text without instructions, and where they stood; `None` where there are none.
    pub(crate) fn cleaned(&self, text: &str) -> Option<(String, Vec<Leak>)> {
        let (clean, leaks) = self.of.clean(text, &self.known());
        (!leaks.is_empty()).then(|| (clean.into_owned(), leaks))
    }

    /// A filter for one channel of a streamed reply, where something is taken out of it.
    pub(crate) fn stream(&self) -> Option<LeakFilter> {
        (self.action >= LeakAction::Redact).then(|| self.of.stream(&self.known()))
    }

    /// What is recorded of a place.
    pub(crate) fn record(&self, part: PartId, leak: &Leak) -> FindingRecord {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        FindingRecord {
            part,
            kind: KIND.into(),
            start: narrow(leak.span.start),
            end: narrow(leak.span.end),
            action: self.action.name().into(),
        }
    }
}

/// A leak in a stream that ends with it: how long it would have been nobody knows.
pub(crate) const fn anywhere() -> Leak {
    Leak { span: 0..0, letters: 0, score: 0 }
}

/// Why a text goes no further.
pub(crate) fn blocked(place: &str) -> LargestackError {
    let detail = format!("{place} holds the operator's instructions");
    GuardrailBlockedError { guard_type: KIND.into(), detail }.into()
}
