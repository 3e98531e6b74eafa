//! Loop detection: identical turns, short cycles, turns that bring nothing new.
//!
//! A turn repeats an earlier one when it asks for the same calls *and* gets the same results:
//! polling whose result changes is legitimate.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_types::message::Message;
use largestack_types::part::Body;
use serde::{Deserialize, Serialize};

use crate::status::Limit;

/// Cycles of up to this many turns are looked for.
const LONGEST_CYCLE: usize = 4;

/// What is remembered of earlier turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoopDetector {
    /// The latest turns: fingerprint of the calls, and where their results are in the history.
    recent: Vec<TurnTrace>,
    /// The latest turn with each fingerprint.
    seen: BTreeMap<u64, TurnTrace>,
    /// For each period, how many turns in a row equalled the one a period before.
    repeats: [u32; LONGEST_CYCLE],
    /// Turns in a row that equalled some earlier turn.
    idle: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct TurnTrace {
    calls: u64,
    first: u32,
    count: u32,
}

impl TurnTrace {
    fn results<'a>(&self, history: &'a [Arc<Message>]) -> impl Iterator<Item = &'a str> + use<'a> {
        let (first, count) = (self.first as usize, self.count as usize);
        history.iter().skip(first).take(count).flat_map(|message| {
            message.parts.iter().map(|part| match &part.body {
                Body::ToolResult(result) => &*result.text,
                _ => "",
            })
        })
    }

    fn equals(&self, other: &Self, history: &[Arc<Message>]) -> bool {
        self.calls == other.calls
            && self.count == other.count
            && self.results(history).eq(other.results(history))
    }
}

impl LoopDetector {
    /// Takes note of a finished turn of tool calls, whose results are the last `count` messages of
    /// the history; says which limit it reaches.
    pub(crate) fn observe(
        &mut self,
        calls: u64,
        count: usize,
        history: &[Arc<Message>],
        (max_repeats, max_idle_turns): (u32, u32),
    ) -> Option<Limit> {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let first = history.len().saturating_sub(count);
        let turn = TurnTrace { calls, first: narrow(first), count: narrow(count) };
        let mut cycle = false;
        for (index, repeats) in self.repeats.iter_mut().enumerate() {
            let before = self.recent.len().checked_sub(index + 1);
            let equal = before
                .and_then(|at| self.recent.get(at))
                .is_some_and(|earlier| turn.equals(earlier, history));
            *repeats = if equal { *repeats + 1 } else { 0 };
            let needed = narrow(index + 1).saturating_mul(max_repeats.saturating_sub(1));
            cycle |= max_repeats > 0 && equal && *repeats >= needed.max(1);
        }
        let stale = self.seen.get(&calls).is_some_and(|earlier| turn.equals(earlier, history));
        self.idle = if stale { self.idle + 1 } else { 0 };
        self.seen.insert(calls, turn);
        self.recent.push(turn);
        if self.recent.len() > LONGEST_CYCLE {
            self.recent.remove(0);
        }
        if cycle {
            Some(Limit::RepeatedCalls)
        } else if max_idle_turns > 0 && self.idle >= max_idle_turns {
            Some(Limit::NoProgress)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::id::CallId;
    use largestack_types::label::{Label, Origin};
    use largestack_types::message::Role;
    use largestack_types::part::{Part, PartId, ToolResult};

    fn result(text: &str) -> Arc<Message> {
        let body = Body::ToolResult(ToolResult {
            call: CallId::default(),
            provider_id: "".into(),
            name: "t".into(),
            text: text.into(),
            media: Vec::new(),
            is_error: false,
            handle: None,
        });
        let part = Part {
            id: PartId::default(),
            label: Label::from_origin(Origin::Tool),
            body,
            native: None,
        };
        Arc::new(Message { role: Role::Tool, parts: vec![part], native: None })
    }

    /// Feeds turns of one call each; says at which turn (from 1) a limit was reached.
    fn first_limit(turns: &[(u64, &str)], limits: (u32, u32)) -> Option<(usize, Limit)> {
        let mut detector = LoopDetector::default();
        let mut history = Vec::new();
        turns.iter().enumerate().find_map(|(index, (calls, text))| {
            history.push(result(text));
            detector.observe(*calls, 1, &history, limits).map(|limit| (index + 1, limit))
        })
    }

    #[test]
    fn the_third_identical_turn_is_a_loop_and_the_second_is_not() {
        let turns = [(1, "same"); 3];
        assert_eq!(first_limit(&turns, (3, 0)), Some((3, Limit::RepeatedCalls)));
        assert_eq!(first_limit(&turns[..2], (3, 0)), None);
        assert_eq!(first_limit(&turns, (4, 0)), None);
    }

    #[test]
    fn polling_whose_result_changes_is_legitimate() {
        let turns = [(1, "10%"), (1, "20%"), (1, "30%"), (1, "40%"), (1, "50%"), (1, "done")];
        assert_eq!(first_limit(&turns, (3, 5)), None);
    }

    #[test]
    fn a_cycle_of_two_turns_is_found_at_its_third_round() {
        let turns = [(1, "a"), (2, "b"), (1, "a"), (2, "b"), (1, "a"), (2, "b"), (1, "a")];
        assert_eq!(first_limit(&turns, (3, 0)), Some((6, Limit::RepeatedCalls)));
    }

    #[test]
    fn a_long_cycle_is_found_as_no_progress() {
        let turns: Vec<(u64, &str)> = (0..14).map(|turn| (turn % 6, "x")).collect();
        assert_eq!(first_limit(&turns, (3, 5)), Some((11, Limit::NoProgress)));
        assert_eq!(first_limit(&turns, (3, 0)), None);
    }

    #[test]
    fn checks_that_are_turned_off_find_nothing() {
        assert_eq!(first_limit(&[(1, "same"); 20], (0, 0)), None);
    }
}
