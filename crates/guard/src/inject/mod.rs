//! Prompt injection: whether a text tries to make an assistant act against its operator or its user.
//!
//! A score with reasons, and no keyword: words of ten languages are grouped into concepts (to
//! override, rules, the hidden prompt, secrecy, to send, the assistant addressed, ...), each window of
//! two sentences is described by which concepts it holds and how (as an order, in quotation marks,
//! addressed to the assistant, beside a link or an address, in which disguise, through which channel),
//! and the text has the score of its worst window. The weights are fitted by logistic regression on the
//! half `dev` of `tests/corpus`; `tests/it/inject` holds the fit and the figures. Pure, deterministic,
//! linear in the length of the text. It deliberately does not read meaning: what asks for the same in
//! words of none of the concepts is not seen.

mod address;
mod fold;
mod heads;
mod lexicon;
mod policy;
mod relate;
mod scan;
mod screen;
mod signal;
mod talk;
mod weights;

use std::ops::Range;

use serde::Serialize;

use crate::reading::{Form, readings};
use fold::Folded;
use scan::Scan;
use talk::Joined;
use weights::WEIGHTS;

pub use policy::{Action, Policy, Said};
pub use screen::{NOTICE, Screened};
pub use signal::{Signal, Signals};

/// Longest text that is scored in one piece as well, bytes: a short one may say it in three sentences.
const SHORT: usize = 400;

/// How a text reaches the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A message of whom the assistant works for, who may ask for much.
    User,
    /// Several messages of a conversation, each `role: text` on a line of its own.
    Conversation,
    /// Anything that was fetched or handed over: results of tools, documents, mails, file names.
    Data,
}

/// Why a text has its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The signal, e.g. `order:override`: the concept as an order.
    pub signal: Signal,
    /// Where it stands: bytes of the text, on character boundaries.
    pub span: Range<usize>,
    /// What it adds to the score.
    pub weight: f32,
}

/// What the detector says of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// How likely it is an attack, as log-odds after fitting; of no use as a probability elsewhere.
    pub score: f32,
    /// The score from which texts of this channel are flagged; 1 % of the harmless texts of the corpus
    /// exceed it.
    pub threshold: f32,
    /// Whether the score is above it.
    pub flagged: bool,
    /// Where the window with that score stands: bytes of the text.
    pub span: Range<usize>,
    /// What speaks for it most, the strongest first; five at most.
    pub reasons: Vec<Reason>,
}

/// Scores a text. `None`: it holds none of the concepts.
pub fn score(text: &str, channel: Channel) -> Option<Verdict> {
    let mut worst: Option<(f32, Signals, Range<usize>)> = None;
    each_window(text, channel, |signals, span| {
        let score = WEIGHTS.score(signals);
        if worst.as_ref().is_none_or(|(most, ..)| score > *most) {
            worst = Some((score, signals.clone(), span()));
        }
    });
    let (score, signals, span) = worst?;
    let mut reasons: Vec<Reason> = signals
        .iter()
        .map(|(signal, place)| Reason {
            signal,
            span: place.unwrap_or_else(|| span.clone()),
            weight: WEIGHTS.of(signal),
        })
        .filter(|reason| reason.weight > 0.0)
        .collect();
    reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.signal.cmp(&b.signal)));
    reasons.truncate(5);
    let threshold = WEIGHTS.threshold(channel);
    Some(Verdict { score, threshold, flagged: score >= threshold, span, reasons })
}

/// The signals of every window of a text, for whoever fits the weights.
pub fn windows(text: &str, channel: Channel) -> Vec<Signals> {
    let mut all = Vec::new();
    each_window(text, channel, |signals, _| all.push(signals.clone()));
    all
}

fn each_window(
    text: &str,
    channel: Channel,
    mut visit: impl FnMut(&Signals, &dyn Fn() -> Range<usize>),
) {
    each_window_as_written(text, channel, &mut visit);
    let joined = (channel == Channel::Conversation).then(|| Joined::of(text)).flatten();
    if let Some(joined) = joined {
        each_window_as_written(&joined.text, Channel::User, |signals, span| {
            let mut signals = signals.clone();
            signals.place(&|span| joined.source(span));
            visit(&signals, &|| joined.source(span()));
        });
    }
}

fn each_window_as_written(
    text: &str,
    channel: Channel,
    mut visit: impl FnMut(&Signals, &dyn Fn() -> Range<usize>),
) {
    for reading in readings(text) {
        let folded = Folded::of(&reading.text);
        let scan = Scan::of(&folded, channel);
        if scan.is_empty() {
            continue;
        }
        let place = |span: Range<usize>| reading.original(folded.source(span));
        let disguise = (reading.form != Form::Plain).then_some(reading.form);
        // Of letters in disguise only what they say otherwise: the rest has been read already.
        let in_place = matches!(reading.form, Form::Lookalike | Form::Joined | Form::Leet);
        let says_more = |signals: &Signals| {
            let differs = |shown: &Range<usize>| {
                let shown = folded.source(shown.clone());
                let written = text.get(reading.original(shown.clone()));
                written != reading.text.get(shown)
            };
            !in_place || signals.iter().any(|(_, place)| place.as_ref().is_some_and(differs))
        };
        let mut window = |span: Range<usize>, whole: bool| {
            if let Some(mut signals) = scan.signals(span.clone(), whole) {
                if !says_more(&signals) {
                    return;
                }
                signals.seen(channel, disguise);
                signals.place(&place);
                visit(&signals, &|| place(span.clone()));
            }
        };
        let sentences = folded.sentences();
        match sentences.as_slice() {
            [] => {}
            [one] => window(one.clone(), false),
            many => many.windows(2).for_each(|pair| {
                if let [first, second] = pair {
                    window(first.start..second.end, false);
                }
            }),
        }
        let all = folded.text.len();
        if sentences.len() > 2 && (channel == Channel::Conversation || all < SHORT) {
            window(0..all, channel == Channel::Conversation);
        }
    }
}
