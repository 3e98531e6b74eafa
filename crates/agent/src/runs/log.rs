//! What a detached run has said so far, as far as memory goes: its latest facts, and the pieces of
//! its latest replies. Whoever follows holds only a place in it, so that any number of followers of
//! any speed cost nothing, and none can hold up the run. Older facts are in the journal; pieces of
//! older replies are superseded by the facts that end them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use largestack_engine::{Event, Recorded};
use largestack_types::delta::Delta;
use largestack_types::errors::Result;
use tokio::sync::watch;

use super::Position;
use crate::event::RunEvent;
use crate::report::Report;

/// Facts that are kept beside the journal.
const MOST_FACTS: usize = 256;
/// Bytes of replies that are kept beside the one under way.
const MOST_SAID: u64 = 256 << 10;

/// The log of one run.
pub(crate) struct Log {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    facts: VecDeque<Recorded>,
    /// The number of the last fact.
    seq: u64,
    calls: VecDeque<Said>,
    over: Option<Result<Report>>,
}

/// What one model call has said.
struct Said {
    /// The last fact before it.
    began: u64,
    /// The fact that ended it.
    ended: Option<u64>,
    pieces: Vec<Piece>,
    /// Units of all pieces.
    len: u64,
}

struct Piece {
    /// Units before it.
    from: u64,
    len: u64,
    /// The last fact before it.
    after: u64,
    event: RunEvent,
}

/// What comes after a place.
pub(super) enum Next {
    /// This, and then one is there.
    Event(RunEvent, Position),
    /// A fact that only the journal has.
    Elsewhere,
    /// Nothing yet.
    Wait,
    /// Nothing any more.
    Over,
}

impl Default for Log {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Log {
    /// Takes up where a journal stands.
    pub(super) fn after(seq: u64) -> Self {
        let log = Self::default();
        log.lock().seq = seq;
        log
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event and wakes who waits for it.
    pub(crate) fn push(&self, event: RunEvent) {
        self.lock().push(event);
        self.changed.send_replace(());
    }

    /// Says what the run came to; the first word counts.
    pub(super) fn close(&self, report: Result<Report>) {
        self.lock().over.get_or_insert(report);
        self.changed.send_replace(());
    }

    /// Is told of every change from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// What the run came to, once it has.
    pub(super) fn report(&self) -> Option<Result<Report>> {
        self.lock().over.clone()
    }

    /// What comes after this place.
    pub(super) fn next(&self, at: Position) -> Next {
        self.lock().next(at)
    }
}

/// How much an event takes in the count of its call: text its bytes, all else 1. What a run below
/// says stands between this one's model calls.
fn units(event: &RunEvent) -> u64 {
    text_of(event).map_or(1, |text| text.len().max(1) as u64)
}

fn text_of(event: &RunEvent) -> Option<&String> {
    let RunEvent::Delta { delta, .. } = event.innermost().1 else { return None };
    match delta {
        Delta::Text { text }
        | Delta::Reasoning { text }
        | Delta::Refusal { text }
        | Delta::Arguments { text, .. } => Some(text),
        _ => None,
    }
}

/// The text of a delta, to be written on.
fn text_mut(delta: &mut Delta) -> Option<&mut String> {
    match delta {
        Delta::Text { text }
        | Delta::Reasoning { text }
        | Delta::Refusal { text }
        | Delta::Arguments { text, .. } => Some(text),
        _ => None,
    }
}

/// Whether two deltas are of one channel.
fn same_channel(one: &Delta, other: &Delta) -> bool {
    match (one, other) {
        (Delta::Text { .. }, Delta::Text { .. })
        | (Delta::Reasoning { .. }, Delta::Reasoning { .. })
        | (Delta::Refusal { .. }, Delta::Refusal { .. }) => true,
        (Delta::Arguments { index: one, .. }, Delta::Arguments { index: other, .. }) => {
            one == other
        }
        _ => false,
    }
}

/// Whether a fact ends the model call that is under way.
fn ends_a_call(event: &Event) -> bool {
    matches!(event, Event::ModelReplied(_) | Event::ModelFailed(_) | Event::RunFinished(_))
}

impl State {
    fn push(&mut self, event: RunEvent) {
        if let RunEvent::Fact(recorded) = event {
            self.seq = recorded.seq;
            if ends_a_call(&recorded.event)
                && let Some(call) = self.calls.back_mut().filter(|call| call.ended.is_none())
            {
                call.ended = Some(recorded.seq);
            }
            self.facts.push_back(recorded);
            if self.facts.len() > MOST_FACTS {
                self.facts.pop_front();
            }
            return;
        }
        if self.calls.back().is_none_or(|call| call.ended.is_some()) {
            let began = self.seq;
            self.calls.push_back(Said { began, ended: None, pieces: Vec::new(), len: 0 });
            self.forget();
        }
        let after = self.seq;
        if let Some(call) = self.calls.back_mut() {
            call.push(event, after);
        }
    }

    /// Lets go of the oldest replies where they are too much.
    fn forget(&mut self) {
        while self.calls.len() > 1
            && self.calls.iter().map(|call| call.len).sum::<u64>() > MOST_SAID
        {
            self.calls.pop_front();
        }
    }

    fn next(&self, at: Position) -> Next {
        let call = self.calls.iter().rev().find(|call| call.began <= at.seq);
        let under_way = call.filter(|call| call.ended.is_none_or(|end| at.seq < end));
        if let Some((event, live)) = under_way.and_then(|call| call.after(at)) {
            return Next::Event(event, Position { seq: at.seq, live });
        }
        let first = self.facts.front().map_or(self.seq + 1, |fact| fact.seq);
        if at.seq < self.seq && at.seq + 1 < first {
            return Next::Elsewhere;
        }
        let index = usize::try_from((at.seq + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(fact) = self.facts.get(index) {
            return Next::Event(RunEvent::Fact(fact.clone()), at.past(fact));
        }
        if self.over.is_some() { Next::Over } else { Next::Wait }
    }
}

impl Position {
    /// The place behind a fact.
    pub(super) fn past(self, fact: &Recorded) -> Self {
        Self { seq: fact.seq, live: if ends_a_call(&fact.event) { 0 } else { self.live } }
    }
}

impl Said {
    fn push(&mut self, event: RunEvent, after: u64) {
        let len = units(&event);
        self.len += len;
        if let Some(last) = self.pieces.last_mut().filter(|last| last.after == after)
            && let (RunEvent::Delta { delta: old, .. }, RunEvent::Delta { delta: new, .. }) =
                (&mut last.event, &event)
            && same_channel(old, new)
            && let (Some(old), Some(new)) = (text_mut(old), text_of(&event))
        {
            old.push_str(new);
            last.len += len;
            return;
        }
        let from = self.len - len;
        self.pieces.push(Piece { from, len, after, event });
    }

    /// What was said behind a place, as far as no fact comes before it.
    fn after(&self, at: Position) -> Option<(RunEvent, u64)> {
        let index = self.pieces.partition_point(|piece| piece.from + piece.len <= at.live);
        let piece = self.pieces.get(index).filter(|piece| piece.after <= at.seq)?;
        let end = piece.from + piece.len;
        let known = usize::try_from(at.live.saturating_sub(piece.from)).unwrap_or(usize::MAX);
        let mut event = piece.event.clone();
        if known > 0
            && let RunEvent::Delta { delta, .. } = &mut event
            && let Some(text) = text_mut(delta)
        {
            // A place that is none of ours may stand inside a character: that one is said again.
            let known = (0..=known).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.drain(..known);
        }
        Some((event, end))
    }
}
