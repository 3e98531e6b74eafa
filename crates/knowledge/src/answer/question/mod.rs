//! What a question asks: its clauses, the words that name its subject with their weight, and the kind of thing that would answer it.

mod expect;
mod head;
mod split;
mod standing;
mod subject;

use crate::analysis::{Token, stop, tokens};
use split::{is_asking, split};
pub use standing::Standing;

/// What would answer a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expect {
    /// A length of time or how often.
    Duration,
    /// How many of what [`Clause::counted`] names.
    Count,
    /// A sum of money, a share in percent, or that it is free.
    Money,
    /// Any other number: how big, how far, which port.
    Number,
    /// A date, a day or a time of day.
    Time,
    /// A person, a role or a team.
    Person,
    /// Who somebody is, not what they do.
    Identity,
    /// What something is called, its brand or make.
    Name,
    /// A place or a path.
    Place,
    /// A postal or web address.
    Address,
    /// When something happened.
    Past,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A command or code.
    Command,
    /// A cause or an aim.
    Reason,
    /// Steps or means.
    Manner,
    /// Yes or no.
    YesNo,
    /// Anything else.
    Other,
}

/// A word of the question that the answer should be about.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of a word, not states")]
pub struct Subject {
    /// The stem to look for.
    pub stem: String,
    /// The word as asked, folded.
    pub word: String,
    /// Another stem that means the same here (from a two-word phrase).
    pub also: Option<String>,
    /// A name, an acronym, code or a number: seldom said in other words.
    pub is_named: bool,
    /// An ordinary word that a document may well put differently.
    pub is_ordinary: bool,
    /// Part of how the question is put rather than of its subject.
    pub is_frame: bool,
    /// It only names the kind of answer: `price`, `length`, `how far`.
    pub names_kind: bool,
    /// What is asked for itself (`which carrier`, `the colour of`, `who built`): without it there is no answer.
    pub is_focus: bool,
    /// The verb that is asked about (`can I cancel`, `who washes`).
    pub is_action: bool,
    /// Stems of the parts of a word written in parts (`route_layer`); together they stand for it.
    pub parts: Vec<String>,
    /// How it stands among the words around it.
    pub standing: Standing,
    /// From where in the question it is.
    pub role: Role,
    /// How it hangs together with the subject before it.
    pub joined: Joined,
}

/// How a subject hangs together with the one before it in the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Joined {
    /// It does not.
    Apart,
    /// It follows at once: `cycle lane`.
    Compound,
    /// A preposition stands between: `owner of the account`.
    Linked,
}

impl Subject {
    /// Whether it is none of the marked words: no name, no frame, not what is asked for itself, not its verb.
    pub(crate) fn is_plain(&self) -> bool {
        !(self.is_named || self.is_frame || self.is_focus || self.is_action)
    }

    /// Whether it follows another subject at once.
    pub(crate) fn is_compound(&self) -> bool {
        self.joined == Joined::Compound
    }
}

/// From where in a question a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The clause itself.
    Asked,
    /// A statement that comes with the question ("I bought a lamp.").
    Stated,
    /// Another clause: it names the topic and need not be said again.
    Inherited,
}

/// One thing asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The words of this clause as asked.
    pub text: String,
    /// What would answer it.
    pub expect: Expect,
    /// Its subject, in order, without repeats.
    pub subjects: Vec<Subject>,
    /// Stems of what is counted, for [`Expect::Count`].
    pub counted: Vec<String>,
    /// It only names a topic: `sick leave`, `what is a pick-up point`.
    pub is_topic: bool,
}

/// Takes a question apart. Never empty: a question without any word gives one clause without subject.
pub fn clauses(question: &str) -> Vec<Clause> {
    let texts = split(question);
    let asks: Vec<bool> = texts.iter().map(|text| is_asking(text)).collect();
    if !asks.contains(&true) {
        return vec![clause(&texts.join(" "))];
    }
    let (mut out, mut stated): (Vec<Clause>, Vec<Clause>) = (Vec::new(), Vec::new());
    for (text, asks) in texts.iter().zip(asks) {
        if asks { out.push(clause(text)) } else { stated.push(clause(text)) }
    }
    let topic: Vec<Subject> = out.first().map(|clause| clause.subjects.clone()).unwrap_or_default();
    for (at, clause) in out.iter_mut().enumerate() {
        for subject in stated.iter().flat_map(|clause| &clause.subjects) {
            adopt(clause, subject, Role::Stated);
        }
        for subject in topic.iter().filter(|_| at > 0) {
            adopt(clause, subject, Role::Inherited);
        }
    }
    out
}

fn adopt(clause: &mut Clause, subject: &Subject, role: Role) {
    if !subject.is_frame && !clause.subjects.iter().any(|known| known.stem == subject.stem) {
        clause.subjects.push(Subject { role, joined: Joined::Apart, ..subject.clone() });
    }
}

fn clause(text: &str) -> Clause {
    let words = tokens(text);
    let (expect, counted) = expect::expect(&words);
    let subjects = subject::subjects(text, &words);
    let is_topic = expect == Expect::Other && is_topic(text, &words);
    Clause { text: text.to_owned(), expect, subjects, counted, is_topic }
}

/// Words of a topic besides the little ones.
const TOPIC_WORDS: usize = 3;

fn is_topic(text: &str, words: &[Token<'_>]) -> bool {
    let first: Vec<&str> = words.iter().take(2).map(|t| t.text.as_str()).collect();
    let defines = matches!(first.as_slice(), ["what", "is" | "are" | "s"] | ["whats", _]);
    let real = words.iter().filter(|t| !stop::is_stop(&t.text)).count();
    (!is_asking(text) || defines) && real <= TOPIC_WORDS
}

#[cfg(test)]
mod tests;
