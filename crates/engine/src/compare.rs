//! Two runs of agents side by side: what each did, step by step, and where they part.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_types::error::{Code, Coded as _};
use largestack_types::id::EffectId;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::Body;
use largestack_types::usage::Usage;
use serde::Serialize;

use crate::event::{CallRecord, Event, Recorded, ToolOutcome};
use crate::status::{EndReason, Status};

/// Pairs of steps that are weighed against each other: beyond, steps are paired in their order.
const MOST_PAIRS: usize = 16 << 20;

/// Something that a run did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The event that says so.
    pub seq: u64,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// It was asked.
    Asked {
        /// The words, placeholders in place.
        text: String,
    },
    /// A model was asked.
    Model(Box<Asking>),
    /// A tool was called.
    Tool {
        /// Which one.
        name: Arc<str>,
        /// With what.
        arguments: String,
        /// What the model reads of it.
        result: String,
        /// How it ended.
        outcome: ToolOutcome,
    },
    /// It ended.
    Ended {
        /// How.
        status: Status,
        /// Why.
        reason: EndReason,
    },
}

/// A model call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asking {
    /// Who answered, as its provider names it.
    pub model: Option<Arc<str>>,
    /// The words.
    pub text: String,
    /// Tools that it called: name and arguments.
    pub calls: Vec<(Arc<str>, String)>,
    /// Tokens.
    pub usage: Usage,
    /// What it cost.
    pub cost: Money,
    /// Why it did not answer.
    pub error: Option<Code>,
}

/// A step of both runs, or of one that the other lacks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The first run's.
    pub left: Option<Step>,
    /// The second run's.
    pub right: Option<Step>,
    /// What differs: names of fields. Of a step that one run lacks nothing is compared.
    pub differs: Vec<&'static str>,
}

impl Pair {
    /// Whether both runs did the same. What it cost, in money and tokens, does not matter.
    pub fn is_same(&self) -> bool {
        let counts = |field: &&str| !matches!(*field, "usage" | "cost");
        self.left.is_some() && self.right.is_some() && !self.differs.iter().any(counts)
    }
}

/// How many of the first events both runs have.
pub fn shared(left: &[Recorded], right: &[Recorded]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// What a run did, in order.
pub fn steps(events: &[Recorded]) -> Vec<Step> {
    let mut arguments: BTreeMap<EffectId, String> = BTreeMap::new();
    let mut steps = Vec::new();
    for recorded in events {
        let what = match &*recorded.event {
            Event::RunStarted(data) => What::Asked { text: data.input.text() },
            Event::Forked(data) => match &data.input {
                Some(input) => {
                    // Asked instead, where nothing had been answered.
                    steps.pop_if(|last: &mut Step| matches!(last.what, What::Asked { .. }));
                    What::Asked { text: input.text() }
                }
                None => continue,
            },
            Event::ModelReplied(data) => {
                let calls: Vec<_> = data.message.tool_calls().collect();
                for call in &calls {
                    arguments.insert(call.call.effect(), call.arguments.as_str().to_owned());
                }
                let calls = calls.iter();
                let calls = calls.map(|c| (Arc::clone(&c.name), c.arguments.as_str().to_owned()));
                let calls = calls.collect();
                model(&data.call, data.message.text(), (calls, None))
            }
            Event::ModelFailed(data) => {
                model(&data.call, String::new(), (Vec::new(), Some(data.error.code())))
            }
            Event::ToolReturned(data) => {
                let (name, result) = result_of(&data.message);
                let arguments = arguments.remove(&data.effect).unwrap_or_default();
                What::Tool { name, arguments, result, outcome: data.outcome }
            }
            Event::RunFinished(end) => What::Ended { status: end.status, reason: end.reason },
            _ => continue,
        };
        steps.push(Step { seq: recorded.seq, what });
    }
    steps
}

fn model(
    call: &CallRecord,
    text: String,
    (calls, error): (Vec<(Arc<str>, String)>, Option<Code>),
) -> What {
    let model = call.model.clone();
    What::Model(Box::new(Asking { model, text, calls, usage: call.usage, cost: call.cost, error }))
}

fn result_of(message: &Message) -> (Arc<str>, String) {
    let result = message.parts.iter().find_map(|part| match &part.body {
        Body::ToolResult(result) => Some((Arc::clone(&result.name), result.text.to_string())),
        _ => None,
    });
    result.unwrap_or_else(|| ("".into(), String::new()))
}

/// Steps of two runs, those of the same kind and tool side by side.
pub fn aligned(left: &[Step], right: &[Step]) -> Vec<Pair> {
    let alike = left.iter().zip(right).take_while(|(left, right)| left.is_like(right)).count();
    let (begun, left) = left.split_at(alike);
    let (too, right) = right.split_at(alike);
    let mut pairs: Vec<Pair> = begun.iter().zip(too).map(|(l, r)| pair(Some(l), Some(r))).collect();
    let (mut l, mut r) = (left, right);
    let longest = longest(left, right);
    let at = |l: &[Step], r: &[Step]| {
        let row = longest.get(l.len());
        row.and_then(|row| row.get(r.len())).copied().unwrap_or_default()
    };
    while let (Some((one, lefts)), Some((other, rights))) = (l.split_first(), r.split_first()) {
        if longest.is_empty() || one.is_like(other) {
            let both = one.is_like(other);
            pairs.push(pair(Some(one), both.then_some(other)));
            if !both {
                pairs.push(pair(None, Some(other)));
            }
            (l, r) = (lefts, rights);
        } else if at(lefts, r) >= at(l, rights) {
            pairs.push(pair(Some(one), None));
            l = lefts;
        } else {
            pairs.push(pair(None, Some(other)));
            r = rights;
        }
    }
    pairs.extend(l.iter().map(|step| pair(Some(step), None)));
    pairs.extend(r.iter().map(|step| pair(None, Some(step))));
    pairs
}

/// By how many steps are left of each, how many of them can stand side by side; nothing where there
/// are too many to be weighed.
fn longest(left: &[Step], right: &[Step]) -> Vec<Vec<u32>> {
    if left.len().saturating_mul(right.len()) > MOST_PAIRS {
        return Vec::new();
    }
    let mut rows = vec![vec![0_u32; right.len() + 1]];
    for one in left.iter().rev() {
        let mut row = vec![0_u32];
        if let Some(above) = rows.last() {
            for ((other, here), diagonal) in
                right.iter().rev().zip(above.iter().skip(1)).zip(above.iter())
            {
                let before = row.last().copied().unwrap_or_default();
                let best = if one.is_like(other) { diagonal + 1 } else { before.max(*here) };
                row.push(best);
            }
        }
        rows.push(row);
    }
    rows
}

impl Step {
    /// Whether both are of one kind, and of one tool.
    fn is_like(&self, other: &Self) -> bool {
        match (&self.what, &other.what) {
            (What::Tool { name, .. }, What::Tool { name: too, .. }) => name == too,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

fn pair(left: Option<&Step>, right: Option<&Step>) -> Pair {
    let differs = match (left, right) {
        (Some(left), Some(right)) => differing(&left.what, &right.what),
        _ => Vec::new(),
    };
    Pair { left: left.cloned(), right: right.cloned(), differs }
}

fn differing(left: &What, right: &What) -> Vec<&'static str> {
    let fields: Vec<(&'static str, bool)> = match (left, right) {
        (What::Asked { text }, What::Asked { text: too }) => vec![("text", text == too)],
        (What::Model(left), What::Model(right)) => vec![
            ("model", left.model == right.model),
            ("text", left.text == right.text),
            ("calls", left.calls == right.calls),
            ("error", left.error == right.error),
            ("usage", left.usage == right.usage),
            ("cost", left.cost == right.cost),
        ],
        (
            What::Tool { arguments, result, outcome, .. },
            What::Tool { arguments: other, result: another, outcome: end, .. },
        ) => vec![
            ("arguments", arguments == other),
            ("result", result == another),
            ("outcome", outcome == end),
        ],
        (What::Ended { status, reason }, What::Ended { status: s, reason: r }) => {
            vec![("status", status == s), ("reason", reason == r)]
        }
        _ => vec![("kind", false)],
    };
    fields.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(seq: u64, text: &str) -> Step {
        Step { seq, what: What::Asked { text: text.to_owned() } }
    }

    fn tool(seq: u64, name: &str, result: &str) -> Step {
        let (arguments, result) = ("{}".to_owned(), result.to_owned());
        let what =
            What::Tool { name: name.into(), arguments, result, outcome: ToolOutcome::Returned };
        Step { seq, what }
    }

    fn places(pairs: &[Pair]) -> Vec<(u64, u64)> {
        let seq = |step: &Option<Step>| step.as_ref().map_or(0, |step| step.seq);
        pairs.iter().map(|pair| (seq(&pair.left), seq(&pair.right))).collect()
    }

    #[test]
    fn steps_of_one_kind_and_tool_stand_side_by_side_and_others_alone() {
        let left = [asked(1, "a"), tool(2, "x", "1"), tool(3, "y", "2"), tool(4, "z", "3")];
        let right = [asked(1, "a"), tool(2, "y", "9"), tool(3, "w", "4"), tool(4, "z", "3")];
        let pairs = aligned(&left, &right);
        assert_eq!(places(&pairs), [(1, 1), (2, 0), (3, 2), (0, 3), (4, 4)]);
        let same: Vec<bool> = pairs.iter().map(Pair::is_same).collect();
        assert_eq!(same, [true, false, false, false, true]);
        assert_eq!(pairs[2].differs, ["result"]);
    }

    #[test]
    fn every_step_is_there_once_whatever_the_runs_are() {
        let names = ["x", "y", "x", "z", "y"];
        for (from, to) in [(0, 5), (2, 5), (0, 0), (3, 4), (1, 3)] {
            let left: Vec<_> = (1..).zip(names).map(|(seq, name)| tool(seq, name, "")).collect();
            let right: Vec<_> =
                (1..).zip(&names[from..to]).map(|(seq, name)| tool(seq, name, "")).collect();
            let pairs = aligned(&left, &right);
            let lefts = pairs.iter().filter_map(|pair| pair.left.clone());
            let rights = pairs.iter().filter_map(|pair| pair.right.clone());
            assert!(lefts.eq(left) && rights.eq(right.clone()));
            assert_eq!(pairs.iter().filter(|pair| pair.is_same()).count(), right.len());
        }
    }
}
