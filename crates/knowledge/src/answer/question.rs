//! What a question asks: its clauses, the words that name its subject with their weight, and the kind of thing that would answer it.

use crate::analysis::token::{Token, compounds};
use crate::analysis::{common, stem, stop, synonym, tokens};

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
    /// A place, a path or an address.
    Place,
    /// An e-mail address.
    Email,
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
    /// Stems of the parts of a word written in parts (`route_layer`); together they stand for it.
    pub parts: Vec<String>,
    /// From where in the question it is.
    pub role: Role,
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
}

/// Above this many clauses the rest of the question is not taken apart.
const MAX_CLAUSES: usize = 4;

const ASKING: &[&str] = &[
    "who", "what", "when", "where", "which", "why", "how", "do", "does", "did", "is", "are", "can",
    "could", "may", "must", "should", "will", "would", "whom", "whose", "am", "has", "have", "was",
    "were",
];

const WH: &[&str] = &["who", "what", "when", "where", "which", "why", "how", "whom", "whose"];

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
        clause.subjects.push(Subject { role, ..subject.clone() });
    }
}

const REQUESTS: &[&str] = &[
    "tell",
    "explain",
    "describe",
    "list",
    "show",
    "name",
    "give",
    "find",
    "summarise",
    "summarize",
];

/// Whether a piece of a question asks for something.
fn is_asking(text: &str) -> bool {
    let words = tokens(text);
    let first = words.first().map(|t| t.text.as_str()).unwrap_or_default();
    text.ends_with('?')
        || ASKING.contains(&first)
        || REQUESTS.contains(&first)
        || words.iter().any(|t| matches!(t.text.as_str(), "how" | "why" | "who"))
}

const SUBJECT_PRONOUNS: &[&str] =
    &["i", "you", "we", "they", "it", "he", "she", "there", "the", "my", "this", "that"];

/// Cuts at question marks, full stops and where `and` or a comma is followed by the opening of another question.
fn split(question: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for span in crate::analysis::sentence::sentences(question) {
        for part in question.get(span).unwrap_or_default().split(['\n', ';']) {
            split_sentence(part, &mut out);
        }
    }
    out
}

fn split_sentence(part: &str, out: &mut Vec<String>) {
    let words = tokens(part);
    let mut start = 0;
    for (at, token) in words.iter().enumerate().skip(2) {
        let Some(before) = words.get(at - 1) else { continue };
        let comma = part.get(before.span.end..token.span.start).unwrap_or_default().contains(',');
        let joins = matches!(before.text.as_str(), "and" | "but" | "also" | "so" | "then");
        let next = words.get(at + 1).map(|t| t.text.as_str()).unwrap_or_default();
        let word = token.text.as_str();
        let asks = if joins {
            ASKING.contains(&word)
        } else {
            comma
                && (WH.contains(&word) && word != "which"
                    || ASKING.contains(&word) && SUBJECT_PRONOUNS.contains(&next))
        };
        let cut = if joins { before.span.start } else { token.span.start };
        let long_enough = tokens(part.get(start..cut).unwrap_or_default())
            .iter()
            .any(|t| !stop::is_stop(&t.text));
        if asks && long_enough && out.len() + 1 < MAX_CLAUSES {
            push(part.get(start..cut), out);
            start = token.span.start;
        }
    }
    push(part.get(start..), out);
}

fn push(text: Option<&str>, out: &mut Vec<String>) {
    let text = text.unwrap_or_default().trim().trim_end_matches([',', ' ']).trim();
    if !tokens(text).iter().any(|t| !stop::is_stop(&t.text)) {
        return;
    }
    if out.len() >= MAX_CLAUSES {
        if let Some(last) = out.last_mut() {
            last.push(' ');
            last.push_str(text);
        }
    } else {
        out.push(text.to_owned());
    }
}

fn clause(text: &str) -> Clause {
    let words = tokens(text);
    let (expect, counted) = expect(&words);
    Clause { text: text.to_owned(), expect, subjects: subjects(text, &words), counted }
}

fn subjects(text: &str, words: &[Token<'_>]) -> Vec<Subject> {
    let mut out: Vec<Subject> = Vec::new();
    let compounds = compounds(text, words);
    for (at, token) in words.iter().enumerate() {
        let compound = compounds.iter().find(|compound| compound.parts.contains(&at));
        let next = words.get(at + 1);
        let also = next
            .and_then(|next| synonym::phrase(&token.text, &next.text))
            .or_else(|| alternative(words, at));
        if stop::is_stop(&token.text) && also.is_none() && compound.is_none() {
            continue;
        }
        let word = compound.map_or(&token.text, |compound| &compound.text);
        let stem = stem(word);
        if out.iter().any(|known| known.stem == stem) {
            continue;
        }
        let parts: Vec<String> = compound
            .and_then(|compound| words.get(compound.parts.clone()))
            .map(|parts| {
                parts
                    .iter()
                    .filter(|t| !stop::is_stop(&t.text))
                    .map(|t| crate::analysis::stem(&t.text))
                    .collect()
            })
            .unwrap_or_default();
        let before = text.get(..token.span.start).unwrap_or_default().trim_end();
        let opens = before.is_empty() || before.ends_with(['.', '?', '!', ':']);
        let in_code = before.matches('`').count() % 2 == 1;
        let name = compound.is_some_and(|compound| compound.is_name);
        let is_named = name
            || token.is_number()
            || token.is_acronym()
            || in_code
            || (token.is_capitalised() && !opens);
        out.push(Subject {
            is_named,
            is_ordinary: !is_named && common::is_common(&stem),
            is_frame: !is_named
                && also.is_none()
                && (stop::is_frame(&token.text) || measures(words, at, &stem)),
            role: Role::Asked,
            word: word.clone(),
            parts,
            stem,
            also,
        });
    }
    out
}

/// The other side of `a or b`, `a or another b`, where either will do. Asked of `a` only: `b` stands for itself.
fn alternative(words: &[Token<'_>], at: usize) -> Option<String> {
    let word = words.get(at).filter(|t| !stop::is_stop(&t.text))?;
    let or = words.get(at + 1).filter(|t| t.text == "or")?;
    let mut rest = words
        .iter()
        .skip_while(|t| t.span.start <= or.span.start)
        .filter(|t| !stop::is_stop(&t.text));
    let other = rest.next().filter(|t| t.span.start - word.span.end <= 24)?;
    Some(stem(&other.text))
}

/// Whether the word only says what kind of answer is wanted: `what time`, `how many days`, `the length of`.
fn measures(words: &[Token<'_>], at: usize, stem: &str) -> bool {
    let before =
        |back: usize| at.checked_sub(back).and_then(|at| words.get(at)).map(|t| t.text.as_str());
    let word = words.get(at).map(|t| t.text.as_str()).unwrap_or_default();
    (matches!(before(1), Some("what" | "which")) && common::is_common(stem)
        || before(1) == Some("how") && is_measure(word))
        || before(2) == Some("how")
            && matches!(before(1), Some("many" | "much"))
            && is_time_word(word)
        || attribute(word).is_some() && words.len() > 1
}

/// Adjectives that ask for a number after `how`.
fn is_measure(word: &str) -> bool {
    matches!(
        word,
        "far"
            | "big"
            | "large"
            | "heavy"
            | "tall"
            | "old"
            | "hot"
            | "cold"
            | "fast"
            | "high"
            | "deep"
            | "wide"
            | "small"
            | "close"
            | "warm"
            | "thick"
            | "strong"
            | "loud"
            | "steep"
            | "long"
            | "often"
            | "many"
            | "much"
            | "soon"
    )
}

/// What a noun that names a measure asks for.
fn attribute(word: &str) -> Option<Expect> {
    Some(match word {
        "length" | "distance" | "height" | "width" | "depth" | "size" | "diameter"
        | "thickness" | "speed" | "temperature" | "weight" | "number" | "amount" | "quantity"
        | "capacity" | "percentage" | "rate" | "age" | "altitude" | "count" | "volume"
        | "limit" => Expect::Number,
        "price" | "cost" | "costs" | "fee" | "fare" | "salary" | "fine" | "vat" | "tax" => {
            Expect::Money
        }
        "duration" | "interval" | "timeout" | "frequency" => Expect::Duration,
        "deadline" | "date" => Expect::Time,
        _ => return None,
    })
}

fn expect(words: &[Token<'_>]) -> (Expect, Vec<String>) {
    let text: Vec<&str> = words.iter().map(|t| t.text.as_str()).collect();
    let opening = text.first().copied().unwrap_or_default();
    let mut at = text.iter().position(|w| WH.contains(w));
    if ASKING.contains(&opening) && !WH.contains(&opening) {
        at = asked_inside(&text);
        if at.is_none() {
            return (Expect::YesNo, Vec::new());
        }
    }
    let follow = |n: usize| at.and_then(|at| text.get(at + n)).copied().unwrap_or_default();
    let asked = follow(0);
    let has = |list: &[&str]| text.iter().any(|w| list.contains(w));
    let plain = |expect: Expect| (expect, Vec::new());
    match (asked, follow(1)) {
        ("how", "long" | "often" | "soon" | "frequently" | "quickly" | "late" | "early") => {
            plain(Expect::Duration)
        }
        ("how", "much" | "many")
            if is_time_word(follow(2)) || matches!(follow(2), "notice" | "time") =>
        {
            plain(Expect::Duration)
        }
        ("how", "many") => (Expect::Count, counted(&text, at.unwrap_or(0) + 2)),
        ("how", "much") if !has(&["water", "fuel", "memory", "space", "power", "food", "oil"]) => {
            plain(Expect::Money)
        }
        ("how", word) if is_measure(word) => plain(Expect::Number),
        ("how", _) => plain(Expect::Manner),
        ("who" | "whom" | "whose", _) => plain(Expect::Person),
        ("where", _) => plain(Expect::Place),
        ("why", _) => plain(Expect::Reason),
        ("when", _) => plain(Expect::Time),
        (
            "what" | "which",
            "time" | "day" | "date" | "month" | "year" | "days" | "hours" | "deadline" | "weekday"
            | "times",
        ) => plain(Expect::Time),
        ("what" | "which", "command" | "commands") => plain(Expect::Command),
        ("what" | "which", "percent" | "port" | "version") => plain(Expect::Number),
        ("what" | "which", "person" | "team" | "role") => plain(Expect::Person),
        ("what", "does" | "do" | "will" | "would" | "can" | "may")
            if has(&["cost", "costs", "spend", "charge"]) =>
        {
            plain(Expect::Money)
        }
        ("what", "is" | "s" | "are") | ("which", _)
            if has(&["email"]) && has(&["address", "addresses"]) =>
        {
            plain(Expect::Email)
        }
        ("what" | "which", "email") => plain(Expect::Email),
        ("what", _) if has(&["phone", "telephone"]) && has(&["number"]) => plain(Expect::Number),
        ("what" | "which", word) if attribute(word).is_some() => {
            plain(attribute(word).unwrap_or(Expect::Other))
        }
        ("what", "is" | "are" | "s" | "was") | ("", _) => plain(
            text.iter()
                .skip(at.map_or(0, |at| at + 2))
                .take(5)
                .find_map(|word| attribute(word))
                .unwrap_or(Expect::Other),
        ),
        _ => plain(Expect::Other),
    }
}

/// The stems of the noun that follows `how many`.
fn counted(text: &[&str], from: usize) -> Vec<String> {
    text.iter()
        .skip(from)
        .take_while(|word| !stop::is_stop(word))
        .take(3)
        .map(|word| stem(word))
        .collect()
}

/// Where the question word of a question that begins politely stands ("Can you tell me how ...").
fn asked_inside(text: &[&str]) -> Option<usize> {
    let polite = text
        .iter()
        .take(6)
        .any(|w| matches!(*w, "tell" | "know" | "explain" | "say" | "show" | "describe"));
    polite.then(|| text.iter().position(|w| WH.contains(w))).flatten()
}

fn is_time_word(word: &str) -> bool {
    matches!(word, "days" | "weeks" | "months" | "years" | "hours" | "minutes" | "seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(question: &str) -> Vec<String> {
        clauses(question).into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn a_question_with_two_asks_has_two_clauses() {
        assert_eq!(
            texts("How long do I have to return an item, and who pays the postage?"),
            ["How long do I have to return an item", "who pays the postage?"]
        );
        assert_eq!(texts("When do you open? Where do I park?").len(), 2);
        assert_eq!(texts("Can I return shoes and socks?").len(), 1);
        assert_eq!(texts("What is X and how do I install it").len(), 2);
    }

    #[test]
    fn a_later_clause_inherits_the_topic_of_the_first() {
        let clauses = clauses("How long do I have to return an item, and who pays the postage?");
        let second: Vec<(&str, bool)> = clauses[1]
            .subjects
            .iter()
            .map(|s| (s.word.as_str(), s.role == Role::Inherited))
            .collect();
        assert_eq!(second, [("pays", false), ("postage", false), ("return", true), ("item", true)]);
    }

    #[test]
    fn the_kind_of_answer_follows_from_how_it_is_asked() {
        for (question, expect) in [
            ("How long is the trial?", Expect::Duration),
            ("How many days of leave do I get?", Expect::Duration),
            ("How many seats are there?", Expect::Count),
            ("How much is the fee?", Expect::Money),
            ("max speed of trucks", Expect::Number),
            ("What is the price of a lid?", Expect::Money),
            ("When does the shop open?", Expect::Time),
            ("Who approves travel?", Expect::Person),
            ("Where do I park?", Expect::Place),
            ("Can I bring a dog?", Expect::YesNo),
            ("Could you tell me how long delivery takes?", Expect::Duration),
            ("Why is it slow?", Expect::Reason),
            ("How do I log in?", Expect::Manner),
            ("What is the email address of support?", Expect::Email),
            ("Describe the roof", Expect::Other),
        ] {
            assert_eq!(clauses(question)[0].expect, expect, "{question}");
        }
    }

    #[test]
    fn a_statement_that_comes_with_a_question_is_its_background() {
        let clauses = clauses("My lamp was stolen. Will you give me a new one?");
        assert_eq!(clauses.len(), 1);
        assert!(clauses[0].subjects.iter().any(|s| s.word == "lamp" && s.role == Role::Stated));
        assert_eq!(clauses[0].expect, Expect::YesNo);
    }

    #[test]
    fn either_of_two_alternatives_will_do() {
        let clauses = clauses("May I bring a tent or another shelter?");
        assert_eq!(
            clauses[0].subjects.iter().find(|s| s.word == "tent").unwrap().also,
            Some(stem("shelter"))
        );
    }

    #[test]
    fn names_numbers_and_code_are_named_and_opening_capitals_are_not() {
        let clauses = clauses("Does Postage to Brazil cost 5 with the `fast` API?");
        let named: Vec<&str> =
            clauses[0].subjects.iter().filter(|s| s.is_named).map(|s| s.word.as_str()).collect();
        assert_eq!(named, ["postage", "brazil", "5", "fast", "api"]);
    }

    #[test]
    fn a_question_of_nothing_but_little_words_has_no_subject() {
        assert!(clauses("what is it?")[0].subjects.is_empty());
        assert!(clauses("")[0].subjects.is_empty());
    }
}
