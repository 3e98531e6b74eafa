//! Two runs side by side, as text and as a document.

use std::fmt::Write as _;

use largestack_engine::Branch;
use largestack_engine::compare::{Asking, Pair, Step, What};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::Serialize;

use super::run_json::dollars;
use super::style::{BAD, FAINT, GOOD, STRONG, WARN, painted};
use super::text::{clean, counted, one_line};

/// Characters of a text that a line shows.
const SHOWN: usize = 100;

/// One of the runs.
#[derive(Debug, Serialize)]
pub(crate) struct Side {
    pub(crate) run: String,
    pub(crate) status: &'static str,
    pub(crate) finish_reason: Option<&'static str>,
    pub(crate) turns: u32,
    pub(crate) usage: Usage,
    pub(crate) cost_nanos: i64,
    pub(crate) cost_usd: String,
    /// What was spent before the run left another one, which paid for it.
    pub(crate) inherited: Option<Inherited>,
}

/// What a fork did not pay for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Inherited {
    pub(crate) of: String,
    pub(crate) at: u64,
    pub(crate) usage: Usage,
    pub(crate) cost_nanos: i64,
    pub(crate) cost_usd: String,
}

impl Inherited {
    /// What a fork has from the run that it left.
    pub(crate) fn of(branch: &Branch) -> Self {
        Self {
            of: branch.of.to_string(),
            at: branch.at,
            usage: branch.usage,
            cost_nanos: branch.cost.nanos(),
            cost_usd: dollars(branch.cost),
        }
    }
}

/// Where two runs part.
#[derive(Debug, Serialize)]
pub(crate) struct Parting {
    /// The event of the first run, where it has such a step.
    pub(crate) left: Option<u64>,
    /// The event of the second run.
    pub(crate) right: Option<u64>,
    /// What differs; empty where only one of them has the step.
    pub(crate) differs: Vec<&'static str>,
}

/// Two runs.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) left: Side,
    pub(crate) right: Side,
    /// How many of the first events both have.
    pub(crate) shared_events: usize,
    pub(crate) first_difference: Option<Parting>,
    pub(crate) steps: Vec<Pair>,
}

/// The comparison as text.
pub(crate) fn drawn(document: &Document) -> String {
    let mut text = format!("- {}\n+ {}\n", side(&document.left), side(&document.right));
    if document.shared_events > 0 {
        let events = counted(document.shared_events as u64, "event");
        // Writing to a string does not fail.
        let _ = writeln!(text, "Both begin with the same {events}.");
    }
    text.push_str(&parted(document.first_difference.as_ref()));
    for pair in &document.steps {
        text.push_str(&lines(pair));
    }
    text
}

fn parted(parting: Option<&Parting>) -> String {
    match parting {
        None => "They did the same.\n".to_owned(),
        Some(parting) => {
            let place = match (parting.left, parting.right) {
                (Some(left), Some(right)) => format!("event {left} here, {right} there"),
                (Some(left), None) => format!("event {left}, which only the first run has"),
                (None, Some(right)) => format!("event {right}, which only the second run has"),
                (None, None) => String::new(),
            };
            let what = parting.differs.join(", ");
            let what = if what.is_empty() { what } else { format!(" ({what})") };
            format!("First difference: {place}{what}\n")
        }
    }
}

fn side(side: &Side) -> String {
    let status = side
        .finish_reason
        .map_or_else(|| side.status.to_owned(), |reason| format!("{} ({reason})", side.status));
    let mut facts = vec![
        status,
        counted(side.turns.into(), "turn"),
        counted(side.usage.total_tokens(), "token"),
        Money::from_nanos(side.cost_nanos).to_string(),
    ];
    if let Some(inherited) = &side.inherited {
        let (tokens, cost) = (
            counted(inherited.usage.total_tokens(), "token"),
            Money::from_nanos(inherited.cost_nanos),
        );
        facts.push(format!(
            "inherited {tokens} and {cost} from {} at {}",
            inherited.of, inherited.at
        ));
    }
    format!("{} {}", painted(STRONG, &side.run), facts.join(&painted(FAINT, " · ")))
}

fn lines(pair: &Pair) -> String {
    match (&pair.left, &pair.right) {
        (Some(left), Some(_)) if pair.is_same() && pair.differs.is_empty() => {
            format!("{}\n", painted(FAINT, format!("  {}", step(left))))
        }
        (Some(left), Some(right)) if pair.is_same() => {
            let differs = painted(WARN, pair.differs.join(", "));
            let (before, after) = (spent(left), spent(right));
            format!("  {} [{differs}: {before} / {after}]\n", step(left))
        }
        (left, right) => {
            let left = left.iter().map(|left| painted(BAD, format!("- {}", step(left))));
            let right = right.iter().map(|right| painted(GOOD, format!("+ {}", step(right))));
            let lines: Vec<String> =
                left.chain(right).chain(std::iter::once(String::new())).collect();
            lines.join("\n")
        }
    }
}

fn spent(step: &Step) -> String {
    match &step.what {
        What::Model(asking) => {
            format!("{}, {}", counted(asking.usage.total_tokens(), "token"), asking.cost)
        }
        _ => String::new(),
    }
}

fn step(step: &Step) -> String {
    let short = |text: &str| clean(&one_line(text, SHOWN)).into_owned();
    let what = match &step.what {
        What::Asked { text } => format!("asked {}", short(text)),
        What::Model(asking) => {
            let Asking { text, calls, error, model, .. } = &**asking;
            let model =
                model.as_deref().map_or(String::new(), |model| format!(" {}", clean(model)));
            let said = if text.is_empty() { String::new() } else { format!(": {}", short(text)) };
            let calls = calls.iter().map(|(name, arguments)| (clean(name), short(arguments)));
            let calls: Vec<_> =
                calls.map(|(name, arguments)| format!(" calls {name}({arguments})")).collect();
            let calls = calls.concat();
            let error = error.map_or_else(String::new, |code| format!(" failed ({code})"));
            format!("model{model}{said}{calls}{error}")
        }
        What::Tool { name, arguments, result, .. } => {
            format!("tool {}({}): {}", clean(name), short(arguments), short(result))
        }
        What::Ended { status, reason } => format!("ended {status} ({reason})"),
    };
    format!("{:>4} {what}", step.seq)
}
