//! Which words of a clause carry what is asked for: the noun of `which carrier`, of `is there a pool`; the verb of `who washes`, of
//! `can I cancel`. An answer that says neither is about something else.

use super::expect::{NAMES, attribute, is_time_word};
use super::split::WH;
use crate::analysis::stop;
use crate::analysis::token::Token;

fn text<'a>(words: &'a [Token<'_>], at: usize) -> &'a str {
    words.get(at).map(|t| t.text.as_str()).unwrap_or_default()
}

/// Where the word stands that is asked for itself: the noun of `which carrier`, of `what is the colour of`, of `do you sell lamps`, the
/// verb of `who built`.
pub(super) fn focus(words: &[Token<'_>]) -> Option<usize> {
    let candidate = match words.iter().position(|t| WH.contains(&t.text.as_str())) {
        Some(at) => asked_noun(words, at)?,
        None => offered(words)?,
    };
    let word = text(words, candidate);
    let is_free = !word.is_empty()
        && !stop::is_stop(word)
        && !is_time_word(word)
        && (attribute(word).is_none() || PARTICULAR.contains(&word))
        && !NAMES.contains(&word);
    (is_free && !VAGUE.contains(&word)).then_some(candidate)
}

fn asked_noun(words: &[Token<'_>], at: usize) -> Option<usize> {
    match text(words, at) {
        "what" | "which" if matches!(text(words, at + 1), "is" | "are" | "was" | "were" | "s") => {
            let article = ["the", "a", "an", "my", "your", "our", "their", "its"]
                .contains(&text(words, at + 2));
            let noun = if article { at + 3 } else { at + 2 };
            let of = ["of", "for", "in", "on", "at", "per"].contains(&text(words, noun + 1));
            of.then_some(noun)
        }
        "what" | "which" => Some(at + 1),
        "who" if MAKING.contains(&text(words, at + 1)) => Some(at + 1),
        _ => None,
    }
}

/// The noun of `is there a pool`, `are there any lockers`, `do you have a lift`.
fn offered(words: &[Token<'_>]) -> Option<usize> {
    let asks = match (text(words, 0), text(words, 1), text(words, 2)) {
        ("is" | "are" | "was" | "were", "there", _) => 2,
        ("do" | "does" | "did", "you" | "we" | "they" | "it", verb) if HAVING.contains(&verb) => 3,
        ("do" | "does", "the" | "your" | "our", _) if HAVING.contains(&text(words, 3)) => 4,
        _ => return None,
    };
    (asks..words.len().min(asks + 3)).find(|at| !stop::is_stop(text(words, *at)))
}

/// Where the verb stands that is asked about: after the pronoun of `how do I cancel`, after `who`, or at the end of `are calls recorded`.
pub(super) fn action(words: &[Token<'_>]) -> Option<usize> {
    let after_pronoun = words.windows(2).position(|pair| {
        matches!(pair, [aux, pronoun]
            if AUXILIARIES.contains(&aux.text.as_str()) && PRONOUNS.contains(&pronoun.text.as_str()))
    });
    let verb = match after_pronoun {
        Some(at) => at + 2,
        None => match words.iter().position(|t| t.text == "who") {
            Some(at) => at + 1,
            None => return passive(words),
        },
    };
    let at = (verb..words.len()).find(|at| !LIGHT.contains(&text(words, *at)))?;
    let word = text(words, at);
    (at < verb + 5 && !stop::is_stop(word) && !stop::is_frame(word)).then_some(at)
}

/// The participle of `is parking charged`, when the question begins with the verb or ends with it.
fn passive(words: &[Token<'_>]) -> Option<usize> {
    let be = |word: &str| matches!(word, "is" | "are" | "was" | "were" | "be" | "been");
    let last = words.len().checked_sub(1)?;
    let asks = words.iter().position(|t| be(&t.text))?;
    let word = text(words, last);
    let participle = word.ends_with("ed") || IRREGULAR.contains(&word);
    (last > asks + 1 && participle && !stop::is_frame(word)).then_some(last)
}

/// Participles that do not end in `ed`.
const IRREGULAR: &[&str] = &[
    "built", "sent", "paid", "kept", "held", "written", "given", "sold", "bought", "shown",
    "known", "lost", "stolen", "driven", "worn", "told", "met", "left", "run", "read", "done",
    "seen", "broken", "chosen", "spoken", "drawn", "grown", "thrown", "hidden", "frozen",
    "brought", "caught", "taught", "shut", "cut", "fed", "hit", "lent", "spent", "won", "hung",
    "laid",
];

/// Verbs that open a question.
const AUXILIARIES: &[&str] = &[
    "do", "does", "did", "can", "could", "may", "might", "must", "should", "shall", "will",
    "would", "have", "has", "am", "are", "is",
];

const PRONOUNS: &[&str] = &[
    "i", "we", "you", "they", "one", "he", "she", "it", "somebody", "someone", "anyone", "anybody",
    "people",
];

/// Words between the pronoun or `who` and the verb.
const LIGHT: &[&str] = &[
    "have",
    "has",
    "had",
    "need",
    "be",
    "able",
    "to",
    "also",
    "still",
    "ever",
    "only",
    "not",
    "just",
    "always",
    "get",
    "is",
    "are",
    "was",
    "were",
    "can",
    "could",
    "may",
    "must",
    "should",
    "will",
    "would",
    "do",
    "does",
    "did",
    "allowed",
    "entitled",
    "permitted",
    "supposed",
    "expected",
    "required",
    "want",
    "like",
    "really",
    "actually",
    "even",
    "already",
];

/// Verbs of having and offering.
const HAVING: &[&str] = &[
    "have", "has", "offer", "sell", "provide", "give", "stock", "support", "accept", "take", "run",
    "own", "keep", "need", "use", "include", "contain",
];

/// Nouns that stand for any other.
const VAGUE: &[&str] = &[
    "time",
    "day",
    "date",
    "month",
    "year",
    "days",
    "hours",
    "kind",
    "sort",
    "type",
    "kinds",
    "types",
    "happens",
    "happened",
    "way",
    "thing",
    "something",
    "anything",
    "new",
    "more",
    "good",
    "free",
];

/// Nouns of measure that a number alone does not answer: any sum may be a price, but not a salary.
const PARTICULAR: &[&str] = &[
    "salary",
    "budget",
    "wage",
    "pay",
    "discount",
    "reduction",
    "fine",
    "tax",
    "vat",
    "limit",
    "capacity",
    "rate",
    "age",
];

/// Verbs of making: whoever is named without one of them need not be the maker.
const MAKING: &[&str] = &[
    "built",
    "builds",
    "made",
    "makes",
    "manufactured",
    "manufactures",
    "invented",
    "founded",
    "wrote",
    "writes",
    "designed",
    "designs",
    "developed",
    "owns",
    "owned",
    "produces",
    "produced",
    "won",
    "discovered",
    "painted",
    "publishes",
    "published",
];
