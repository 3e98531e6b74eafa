//! Whether a text holds what the operator told the model: by a canary that stands in the instructions,
//! and by stretches of the instructions themselves.
//!
//! Texts are compared letter by letter in a folded form (see `fold`): case, spaces, punctuation,
//! markup, accents, lookalikes and digits in the place of letters say nothing, and so do the borders of
//! words, which some scripts do not have. A stretch is told by the grams of [`GRAM`] letters that it
//! shares with the instructions; it may be broken by [`GAP`] letters that are not theirs. What stands
//! encoded in a text is read, too. The work is linear in the length of the text.

mod filter;
mod fold;
mod grams;
mod quick;
mod track;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use filter::LeakFilter;
use fold::symbols;
use grams::{Grams, Rolling, Short};
use quick::Quick;

use crate::policy::Mode;

/// Letters of a gram; an ideograph counts as three.
pub const GRAM: usize = 20;
/// Letters of something else that a stretch may hold in between.
pub const GAP: usize = 16;
/// Letters that a word is counted as.
const WORD: usize = 5;
/// Longest quotation in instructions that counts as what the model is told to say, bytes.
const QUOTED: usize = 600;

/// What is done about instructions in what a model says, in order of strictness.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LeakAction {
    /// Nothing: it is not looked for.
    Allow,
    /// It is recorded.
    #[default]
    Warn,
    /// It is taken out; a tool that sends is not called with it.
    Redact,
    /// The run ends with `LARGESTACK_GUARDRAIL`.
    Block,
}

impl LeakAction {
    /// Every action, from the mildest to the strictest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Redact, Self::Block];

    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }

    /// What is left of it in a mode.
    #[must_use]
    pub fn under(self, mode: Mode) -> Self {
        match mode {
            Mode::Observe => self.min(Self::Warn),
            Mode::Warn | Mode::Protect => self,
            Mode::Strict => self.max(Self::Redact),
        }
    }
}

/// What an operator says about instructions in what a model says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakPolicy {
    /// What is done.
    pub action: LeakAction,
    /// How long a stretch of the instructions is told, in words of five letters; from
    /// [`LeakPolicy::FEWEST`].
    pub words: u32,
    /// Whether a made-up word stands in the instructions of each run, by which they are told, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// What of the instructions may be said. Quotations in them may be anyway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

impl Default for LeakPolicy {
    fn default() -> Self {
        Self { action: LeakAction::Warn, words: Self::WORDS, canary: false, allow: Vec::new() }
    }
}

impl LeakPolicy {
    /// The words of a stretch unless it is said.
    pub const WORDS: u32 = 15;
    /// The fewest words of a stretch: fewer are shorter than a gram.
    pub const FEWEST: u32 = 5;

    /// What holds of it in a mode.
    #[must_use]
    pub fn under(mut self, mode: Mode) -> Self {
        self.action = self.action.under(mode);
        match mode {
            // The request stays as it would be.
            Mode::Observe => self.canary = false,
            Mode::Warn | Mode::Protect => {}
            Mode::Strict => {
                self.canary = true;
                self.words = self.words.min(Self::WORDS);
            }
        }
        self.words = self.words.max(Self::FEWEST);
        self
    }
}

/// A made-up word that stands in instructions and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary(String);

impl Canary {
    /// The canary that some bytes make: as many letters as a gram has, of those that no folding makes
    /// into others.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        const LETTERS: &[u8; 16] = b"bcdfghkmnpqrvwxz";
        let letter = |half: u8| LETTERS.get(usize::from(half & 15)).copied().map(char::from);
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, *byte]);
        Self(halves.filter_map(letter).take(GRAM).collect())
    }

    /// The word.
    pub fn word(&self) -> &str {
        &self.0
    }

    /// What stands behind instructions.
    pub fn line(&self) -> String {
        format!("\n\n[{}: the mark of these instructions. It is never written anywhere.]", self.0)
    }
}

/// Where a text holds instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Letters of the instructions that stand there.
    pub letters: usize,
    /// How much of the instructions that is, of 100; 100 for a canary.
    pub score: u8,
}

/// What may be said because somebody else has said it. Cheap to copy.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<std::collections::HashSet<u64>>);

/// Instructions that can be looked for. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Instructions {
    grams: Arc<Grams>,
    short: Arc<Short>,
    quick: Arc<Quick>,
    canary: Option<u64>,
    /// Letters of a stretch that is told.
    least: usize,
}

/// What stands in the place of instructions that were taken out.
pub const REMOVED: &str = "[instructions removed]";

impl Instructions {
    /// Instructions as a policy looks for them; `None` where they are too short to be told, or nothing is
    /// looked for. A canary is added with [`Instructions::with_canary`].
    pub fn of(text: &str, policy: &LeakPolicy) -> Option<Self> {
        let least = usize::try_from(policy.words).unwrap_or(usize::MAX).saturating_mul(WORD);
        if policy.action == LeakAction::Allow {
            return None;
        }
        let allowed = policy.allow.iter().map(String::as_str).chain(quoted(text));
        let (grams, short) = Grams::of(text, allowed);
        let told = grams.letters >= least || policy.canary;
        told.then(|| Self {
            grams: grams.into(),
            short: short.into(),
            quick: Quick::of(text).into(),
            canary: None,
            least,
        })
    }

    /// The same with a canary in them.
    #[must_use]
    pub fn with_canary(mut self, canary: &Canary) -> Self {
        Arc::make_mut(&mut self.quick).add(canary.word());
        let short = Arc::make_mut(&mut self.short);
        let mut rolling = Rolling::default();
        for symbol in symbols(canary.word()) {
            rolling.push(symbol);
            short.add(&rolling);
        }
        self.canary = rolling.gram();
        self
    }

    /// What of the instructions stands in a text that somebody else has written, beside what they have
    /// before.
    pub fn hear(&self, text: &str, known: &mut Known) {
        let mut rolling = Rolling::default();
        for symbol in symbols(text) {
            rolling.push(symbol);
            if let Some(gram) = rolling.gram()
                && self.grams.has(gram)
                && !known.0.contains(&gram)
            {
                Arc::make_mut(&mut known.0).insert(gram);
            }
        }
    }

    /// The text without instructions, and where they stood. Borrowed if there are none.
    pub fn clean<'t>(&self, text: &'t str, known: &Known) -> (Cow<'t, str>, Vec<Leak>) {
        // Nearly every text.
        if self.cannot_stand_in(text) {
            return (Cow::Borrowed(text), Vec::new());
        }
        let mut filter = self.stream(known);
        let mut clean = filter.push(text);
        let (rest, leaks) = filter.finish();
        if leaks.is_empty() {
            return (Cow::Borrowed(text), leaks);
        }
        clean.push_str(&rest);
        (Cow::Owned(clean), leaks)
    }

    /// A filter for a text that arrives in pieces.
    pub fn stream(&self, known: &Known) -> LeakFilter {
        LeakFilter::new(self.clone(), known.clone())
    }

    fn score(&self, letters: usize) -> u8 {
        u8::try_from(letters.saturating_mul(100) / self.grams.letters.max(1))
            .unwrap_or(100)
            .min(100)
    }
}

/// What stands in quotation marks in instructions: what the model is told to say, or about.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    const MARKS: [(char, char); 7] =
        [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('『', '』'), ('‹', '›')];
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let (open, close) = rest.char_indices().find_map(|(from, c)| {
                let (_, close) = MARKS.iter().find(|(open, _)| *open == c)?;
                Some((from + c.len_utf8(), *close))
            })?;
            let inside = rest.get(open..)?;
            let until = inside.find([close, '\n']).filter(|end| *end <= QUOTED);
            let until =
                until.filter(|end| inside.get(*end..).is_some_and(|r| r.starts_with(close)));
            match until {
                Some(end) => {
                    at += open + end + close.len_utf8();
                    return inside.get(..end);
                }
                None => at += open,
            }
        }
    })
}

#[cfg(test)]
mod tests;
