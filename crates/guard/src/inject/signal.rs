//! What is said of a window: which signals it shows, and where.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::Channel;
use super::lexicon::{Concept, LEXICON};
use crate::reading::Form;

/// How a concept of words stands in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At all.
    Present,
    /// Where a sentence, a clause or an item begins: as an order.
    Order,
    /// In quotation marks.
    Quoted,
    /// Outside of those that the window has.
    Unquoted,
}

const WAYS: [(Way, &str); 4] = [
    (Way::Present, "has"),
    (Way::Order, "order"),
    (Way::Quoted, "quoted"),
    (Way::Unquoted, "unquoted"),
];

/// What is no concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trait {
    /// The assistant is named, and a comma or a colon follows: it is spoken to.
    Called,
    /// The same with a colon further on.
    Announced,
    /// "To", "dear", "any" and the like before it.
    Addressed,
    /// It begins a sentence, a cell, a comment.
    Leads,
    /// A Japanese particle of address or topic after it.
    Topic,
    /// Ends with an imperative of Japanese or Hindi.
    OrderAtEnd,
    /// One within.
    OrderWithin,
    /// A question mark.
    Question,
    /// Quotation marks.
    Quotes,
    /// A name as of a tool: `send_note`.
    Identifier,
    /// An e-mail address.
    Address,
    /// A link with a query.
    Query,
    /// Braces with words in them.
    Placeholder,
    /// Several turns of a dialogue.
    Turns,
    /// All of a short text or of a conversation.
    Whole,
    /// Read in any disguise at all.
    Disguised,
    /// To override rules or a prompt that are somebody's or were given before.
    Overrides,
    /// To reveal a prompt, somebody's or word for word.
    Leaks,
    /// The assistant is named before an order.
    Commands,
    /// To act unseen or unasked.
    Unseen,
    /// A part to play, and without limits.
    Unbinds,
    /// To obey a text that takes the place of a task.
    Replaces,
    /// An order to forget rules, a prompt or what was said.
    Forgets,
    /// An order to reveal a prompt.
    Asks,
    /// A machine that is spoken to, and then an order.
    Directs,
    /// A machine, and that it reads or summarises.
    Reads,
    /// Not to tell somebody.
    Covers,
    /// Somebody without limits.
    Limitless,
    /// A new task or a message for a machine.
    Tasks,
    /// An order to do something with what is secret or somebody's.
    Sends,
    /// A machine, and what to praise.
    Praises,
    /// What must be done before something else.
    Demands,
    /// A conversation or text that is said to be over, and what follows.
    Ends,
    /// How an answer is to begin or to be, about a prompt or without a refusal.
    Begins,
    /// To decode and obey.
    Decodes,
    /// To be entitled to set aside.
    Entitles,
    /// To say something in place of something.
    Instead,
    /// It is called where a clause begins.
    Vocative,
    /// The text speaks of attacks, tests or stories.
    Taught,
    /// A machine that is called, and then anything like an order.
    Bids,
    /// What a machine must do, and to whom it reads, what it says or hides.
    Obliges,
    /// A machine that reads, and what it is wanted for.
    Enlists,
    /// To forget what was said and to do something.
    Diverts,
    /// An order to leave something, and one to say or do something.
    Skips,
    /// To act and not to tell somebody.
    Hides,
    /// An order to reveal a prompt, somebody's or word for word.
    Extracts,
    /// Somebody's new part, without limits.
    Reborn,
    /// What must be done with secrets before a tool is used.
    Primes,
    /// To forget rules or to be without them, and to reveal a prompt: what everybody knows.
    Classic,
}

const TRAITS: [(Trait, &str); 49] = [
    (Trait::Called, "called"),
    (Trait::Announced, "announced"),
    (Trait::Addressed, "addressed"),
    (Trait::Leads, "leads"),
    (Trait::Topic, "topic"),
    (Trait::OrderAtEnd, "order-at-end"),
    (Trait::OrderWithin, "order-within"),
    (Trait::Question, "question"),
    (Trait::Quotes, "quotes"),
    (Trait::Identifier, "identifier"),
    (Trait::Address, "address"),
    (Trait::Query, "query"),
    (Trait::Placeholder, "placeholder"),
    (Trait::Turns, "turns"),
    (Trait::Whole, "whole"),
    (Trait::Disguised, "disguised"),
    (Trait::Overrides, "overrides"),
    (Trait::Leaks, "leaks"),
    (Trait::Commands, "commands"),
    (Trait::Unseen, "unseen"),
    (Trait::Unbinds, "unbinds"),
    (Trait::Replaces, "replaces"),
    (Trait::Forgets, "forgets"),
    (Trait::Asks, "asks"),
    (Trait::Directs, "directs"),
    (Trait::Reads, "reads"),
    (Trait::Covers, "covers"),
    (Trait::Limitless, "limitless"),
    (Trait::Tasks, "tasks"),
    (Trait::Sends, "sends"),
    (Trait::Praises, "praises"),
    (Trait::Demands, "demands"),
    (Trait::Ends, "ends"),
    (Trait::Begins, "begins"),
    (Trait::Decodes, "decodes"),
    (Trait::Entitles, "entitles"),
    (Trait::Instead, "instead"),
    (Trait::Vocative, "vocative"),
    (Trait::Taught, "taught"),
    (Trait::Bids, "bids"),
    (Trait::Obliges, "obliges"),
    (Trait::Enlists, "enlists"),
    (Trait::Diverts, "diverts"),
    (Trait::Skips, "skips"),
    (Trait::Hides, "hides"),
    (Trait::Extracts, "extracts"),
    (Trait::Reborn, "reborn"),
    (Trait::Primes, "primes"),
    (Trait::Classic, "classic"),
];

const FORMS: [Form; 10] = [
    Form::Plain,
    Form::Lookalike,
    Form::Joined,
    Form::Leet,
    Form::Hidden,
    Form::Base64,
    Form::Hex,
    Form::Percent,
    Form::Html,
    Form::Escape,
];

/// Traits that are looked at together with each concept.
const CROSSED: [Trait; 5] =
    [Trait::Identifier, Trait::Address, Trait::Query, Trait::Placeholder, Trait::Turns];

const CHANNELS: [(Channel, &str); 3] =
    [(Channel::User, "user"), (Channel::Conversation, "conversation"), (Channel::Data, "data")];

/// One kind of evidence; it prints as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u16);

impl Signal {
    fn at(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// All of them, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        let count = base() * (1 + CHANNELS.len()) + crossed() * LEXICON.words;
        (0..count).map(Self::at)
    }

    pub(super) fn of(concept: Concept, way: Way) -> Self {
        let way = WAYS.iter().position(|(known, _)| *known == way).unwrap_or_default();
        Self::at(way * LEXICON.names.len() + concept)
    }

    pub(super) fn trait_of(one: Trait) -> Self {
        let at = TRAITS.iter().position(|(known, _)| *known == one).unwrap_or_default();
        Self::at(WAYS.len() * LEXICON.names.len() + at)
    }

    fn form(form: Form) -> Self {
        let at = FORMS.iter().position(|known| *known == form).unwrap_or_default();
        Self::at(WAYS.len() * LEXICON.names.len() + TRAITS.len() + at)
    }

    fn through(self, channel: Channel) -> Self {
        let at = CHANNELS.iter().position(|(known, _)| *known == channel).unwrap_or_default();
        Self::at(base() * (1 + at) + self.index())
    }

    fn beside(mark: usize, concept: Concept) -> Self {
        Self::at(base() * (1 + CHANNELS.len()) + mark * LEXICON.words + concept)
    }
}

/// Signals of a window without its channel.
fn base() -> usize {
    WAYS.len() * LEXICON.names.len() + TRAITS.len() + FORMS.len()
}

/// Marks that are looked at together with each concept: the traits above, and forms of the lexicon.
fn crossed() -> usize {
    CROSSED.len() + LEXICON.names.len() - LEXICON.words
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let concept = |at: usize| LEXICON.names.get(at).copied().unwrap_or("?");
        let (all, index) = (base(), self.index());
        let Some(index) = index.checked_sub(all * (1 + CHANNELS.len())) else {
            let (channel, index) = (index / all, index % all);
            if let Some((_, channel)) = channel.checked_sub(1).and_then(|at| CHANNELS.get(at)) {
                write!(f, "{channel}/")?;
            }
            let names = LEXICON.names.len();
            return match (WAYS.get(index / names), index.checked_sub(WAYS.len() * names)) {
                (Some((_, way)), _) => write!(f, "{way}:{}", concept(index % names)),
                (None, Some(at)) => match (TRAITS.get(at), at.checked_sub(TRAITS.len())) {
                    (Some((_, name)), _) => f.write_str(name),
                    (None, Some(at)) => {
                        write!(f, "form:{}", FORMS.get(at).map_or("?", |form| form.name()))
                    }
                    (None, None) => f.write_str("?"),
                },
                (None, None) => f.write_str("?"),
            };
        };
        let (mark, with) = (index / LEXICON.words, index % LEXICON.words);
        let mark = match CROSSED.get(mark) {
            Some(one) => {
                TRAITS.iter().find(|(known, _)| known == one).map_or("?", |(_, name)| name)
            }
            None => concept(LEXICON.words + mark - CROSSED.len()),
        };
        write!(f, "{mark}+{}", concept(with))
    }
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The signals of a window, each with the first place that shows it.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    shown: Vec<(Signal, Option<Range<usize>>)>,
}

impl Signals {
    /// The signals, and where they are shown; those of the whole window without a place.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, Option<Range<usize>>)> + '_ {
        self.shown.iter().cloned()
    }

    /// Their numbers, for whoever fits weights.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.shown.iter().map(|(signal, _)| signal.index())
    }

    pub(super) fn show(&mut self, signal: Signal, place: Option<Range<usize>>) {
        if !self.has(signal) {
            self.shown.push((signal, place));
        }
    }

    pub(super) fn has(&self, signal: Signal) -> bool {
        self.shown.iter().any(|(known, _)| *known == signal)
    }

    /// Adds what follows from the disguise and the channel: call it once, last.
    pub(super) fn seen(&mut self, channel: Channel, disguise: Option<Form>) {
        if let Some(form) = disguise {
            self.show(Signal::form(form), None);
            if !matches!(form, Form::Html | Form::Escape | Form::Percent) {
                self.show(Signal::trait_of(Trait::Disguised), None);
            }
        }
        let marks = CROSSED.iter().map(|one| Signal::trait_of(*one));
        let forms = (LEXICON.words..LEXICON.names.len()).map(|at| Signal::of(at, Way::Present));
        let marks: Vec<usize> = marks
            .chain(forms)
            .enumerate()
            .filter(|(_, mark)| self.has(*mark))
            .map(|(at, _)| at)
            .collect();
        let own = self.shown.clone();
        for (signal, place) in own {
            self.shown.push((signal.through(channel), place.clone()));
            if signal.index() < LEXICON.words {
                for mark in &marks {
                    self.shown.push((Signal::beside(*mark, signal.index()), place.clone()));
                }
            }
        }
    }

    /// Turns every place into one of the original text.
    pub(super) fn place(&mut self, original: &dyn Fn(Range<usize>) -> Range<usize>) {
        for (_, place) in &mut self.shown {
            *place = place.take().map(original);
        }
    }
}
