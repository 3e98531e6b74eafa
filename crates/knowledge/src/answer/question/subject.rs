//! The words that name what a clause is about, and which of them is asked for itself.

use super::expect::{NAMES, attribute, is_measure, is_time_word};
use super::{Joined, Role, Standing, Subject, head};
use crate::analysis::phrase::phrase;
use crate::analysis::token::{Token, compounds};
use crate::analysis::{common, stem, stop};

/// The subjects of a clause in order, each once.
pub(super) fn subjects(text: &str, words: &[Token<'_>]) -> Vec<Subject> {
    let mut out: Vec<Subject> = Vec::new();
    let compounds = compounds(text, words);
    let (focus, action) = (head::focus(words), head::action(words));
    let mut last: Option<usize> = None;
    for (at, token) in words.iter().enumerate() {
        let compound = compounds.iter().find(|compound| compound.parts.contains(&at));
        let also = phrase(words, at).map(str::to_owned).or_else(|| alternative(words, at));
        let asks_how_much = at > 0
            && words.get(at - 1).is_some_and(|before| before.text == "how")
            && matches!(token.text.as_str(), "long" | "often" | "many" | "much" | "soon");
        if asks_how_much || stop::is_stop(&token.text) && also.is_none() && compound.is_none() {
            continue;
        }
        let phrase = phrase(words, at);
        let word = compound.map_or(&token.text, |compound| &compound.text);
        let is_phrase = stop::is_stop(&token.text) && phrase.is_some();
        let stem = phrase.filter(|_| is_phrase).map_or_else(|| stem(word), str::to_owned);
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
            || token.is_number() && !is_quantity(words, at)
            || token.is_acronym()
            || in_code
            || (token.is_capitalised() && !opens);
        let is_focus = focus == Some(at);
        let names_kind = !is_focus && !is_named && measures(words, at);
        let joined = last.map_or(Joined::Apart, |last| joined(text, words, last, at));
        last = Some(at);
        out.push(Subject {
            is_named,
            is_ordinary: !is_named && common::is_common(&stem),
            is_frame: !is_named
                && also.is_none()
                && !is_focus
                && (stop::is_frame(&token.text) || names_kind),
            names_kind,
            is_focus,
            is_action: action == Some(at),
            standing: Standing::of(words, at),
            role: Role::Asked,
            joined,
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

/// Whether the word only says what kind of answer is wanted: `how far`, `how many days`, `the length of`.
fn measures(words: &[Token<'_>], at: usize) -> bool {
    let before =
        |back: usize| at.checked_sub(back).and_then(|at| words.get(at)).map(|t| t.text.as_str());
    let word = words.get(at).map(|t| t.text.as_str()).unwrap_or_default();
    before(1) == Some("how") && is_measure(word)
        || before(2) == Some("how")
            && matches!(before(1), Some("many" | "much"))
            && is_time_word(word)
        || (attribute(word).is_some() || NAMES.contains(&word)) && words.len() > 1
        || matches!(before(1), Some("what" | "which"))
            && matches!(
                word,
                "time" | "day" | "date" | "month" | "year" | "person" | "command" | "happens"
            )
}

/// Whether a number is an amount of what follows ("30 friends"), which a document may well bound otherwise ("up to 50 people").
fn is_quantity(words: &[Token<'_>], at: usize) -> bool {
    let is_word = |t: &Token<'_>| !t.is_number() && !t.is_capitalised() && !stop::is_stop(&t.text);
    let short = words.get(at).is_some_and(|t| t.text.len() != 4);
    short && words.get(at + 1).is_some_and(is_word)
}

/// How the word at `at` hangs together with the subject at `last`.
fn joined(text: &str, words: &[Token<'_>], last: usize, at: usize) -> Joined {
    let (Some(before), Some(word)) = (words.get(last), words.get(at)) else { return Joined::Apart };
    let gap = text.get(before.span.end..word.span.start).unwrap_or_default();
    let between = words.get(last + 1..at).unwrap_or_default();
    let links = |t: &Token<'_>| PREPOSITIONS.contains(&t.text.as_str());
    if gap.contains([',', '.', ';', ':', '?', '(']) {
        Joined::Apart
    } else if between.is_empty() {
        Joined::Compound
    } else if between.first().is_some_and(links) {
        Joined::Linked
    } else {
        Joined::Apart
    }
}

/// Words that tie one noun to another.
const PREPOSITIONS: &[&str] =
    &["of", "for", "in", "on", "to", "with", "from", "at", "per", "by", "into", "without", "about"];
