//! Whether a sentence holds the kind of thing that was asked for: a length of time for "how long", a number for "how many".

mod lists;
mod measure;

use super::evidence::{Form, Unit};
use super::question::{Clause, Expect};
use crate::analysis::{Token, stem, tokens};

/// How well a unit fits what its clause expects: 1 it does, 0 it does not, between when little can be said.
pub(crate) fn fits(unit: &Unit, clause: &Clause) -> f64 {
    // What the question says itself is no answer to it: "the summer party" does not tell when in summer.
    let said = |word: &Token<'_>| {
        (word.is_number() || lists::DATES.has(word) && !lists::TIME_UNITS.has(word))
            && clause.subjects.iter().any(|subject| subject.word == word.text)
    };
    let all = tokens(&unit.text);
    let words: Vec<Token<'_>> = all.into_iter().filter(|word| !said(word)).collect();
    let words = words.as_slice();
    let either = |there: bool, yes: f64, no: f64| if there { yes } else { no };
    match clause.expect {
        Expect::Duration => measure::duration(words, unit, clause),
        Expect::Count => measure::count(words, unit, clause),
        Expect::Number => measure::number(words, unit, clause),
        Expect::Money => money(words, unit),
        Expect::Time => time(words),
        Expect::Past => either(past(words), 1.0, 0.0),
        Expect::Address => either(address(words, unit, clause), 1.0, 0.0),
        Expect::Email => either(unit.text.contains('@'), 1.0, 0.0),
        Expect::Phone => either(phone(&unit.text), 1.0, 0.0),
        Expect::Person => person(words, unit),
        Expect::Name => {
            either(says(words, &["called", "named", "name"]) || proper_name(unit, clause), 1.0, 0.0)
        }
        Expect::Identity => either(identity(words, unit, clause), 1.0, 0.0),
        Expect::Place => place(words, unit, clause),
        Expect::Command => either(
            unit.form == Form::Code || says(words, &["run", "command", "use", "type", "execute"]),
            1.0,
            0.0,
        ),
        Expect::Reason => either(lists::REASONS.any(words), 1.0, 0.3),
        Expect::YesNo => either(lists::MODALS.any(words), 0.8, 0.4),
        Expect::Manner => either(lists::MEANS.any(words), 0.8, 0.4),
        Expect::Other => 0.5,
    }
}

/// Whether a missing fit speaks strongly against a unit.
pub(crate) fn is_strict(expect: Expect) -> bool {
    !matches!(
        expect,
        Expect::Person
            | Expect::Place
            | Expect::Command
            | Expect::Reason
            | Expect::YesNo
            | Expect::Manner
            | Expect::Other
    )
}

fn says(words: &[Token<'_>], any: &[&str]) -> bool {
    words.iter().any(|word| any.contains(&word.text.as_str()))
}

fn money(words: &[Token<'_>], unit: &Unit) -> f64 {
    if lists::CURRENCIES.any(words) || unit.text.contains(['%', '\u{20ac}', '$', '\u{a3}']) {
        1.0
    } else if words.iter().any(Token::is_number) {
        0.3
    } else {
        0.0
    }
}

fn is_year(word: &Token<'_>) -> bool {
    word.is_number()
        && word.text.len() == 4
        && (word.text.starts_with("19") || word.text.starts_with("20"))
}

fn time(words: &[Token<'_>]) -> f64 {
    let clock = words.iter().any(|word| word.text.contains(':') && word.is_number());
    if clock || words.iter().any(is_year) || lists::DATES.any(words) {
        1.0
    } else if lists::TIME_CLAUSES.any(words) {
        0.7
    } else {
        0.1
    }
}

fn past(words: &[Token<'_>]) -> bool {
    words.iter().any(is_year) || lists::MONTHS.any(words) || says(words, &["ago", "yesterday"])
}

fn address(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> bool {
    let numbered = words.iter().any(Token::is_number) || proper_name(unit, clause);
    unit.text.contains(['@', '/']) || lists::ADDRESSES.any(words) && numbered
}

/// Digits that a telephone number has at least; an extension has fewer and says so.
const PHONE_DIGITS: usize = 6;

fn phone(text: &str) -> bool {
    let run = |part: &str| part.chars().filter(char::is_ascii_digit).count() >= PHONE_DIGITS;
    let dialled =
        |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '/' | '.');
    text.split(|c: char| !dialled(c)).any(run) || text.to_lowercase().contains("extension ")
}

/// A preposition alone may lead to anything; to a place it leads with a name or a word of places.
fn place(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> f64 {
    let asked =
        |word: &Token<'_>| clause.subjects.iter().any(|subject| subject.stem == stem(&word.text));
    let little =
        |word: &Token<'_>| matches!(word.text.as_str(), "the" | "a" | "an" | "our" | "your");
    let leads = |at: usize| {
        let after = words.iter().skip(at + 1).skip_while(|word| little(word)).take(3);
        let near: Vec<&Token<'_>> = after.collect();
        let named =
            near.first().is_some_and(|word| word.is_capitalised() && !lists::DATES.has(word));
        named && near.first().is_some_and(|word| !asked(word))
            || near.iter().any(|word| lists::SITES.has(word) && !asked(word))
    };
    let mut prepositions =
        (0..words.len()).filter(|at| words.get(*at).is_some_and(|w| lists::PLACES.has(w)));
    if unit.text.contains(['/', '@']) || prepositions.clone().any(leads) {
        1.0
    } else if lists::SITES.any(words) || prepositions.next().is_some() {
        0.4
    } else {
        0.1
    }
}

fn person(words: &[Token<'_>], unit: &Unit) -> f64 {
    let named = words.iter().skip(1).any(|word| word.is_capitalised() && !word.is_acronym());
    if lists::PEOPLE.any(words) || unit.text.contains('@') || named {
        1.0
    } else if lists::PRONOUNS.any(words) {
        0.6
    } else {
        0.2
    }
}

/// Whether the unit holds a capitalised word that neither begins a sentence or cell nor stands in the question.
pub(crate) fn proper_name(unit: &Unit, clause: &Clause) -> bool {
    let words = tokens(&unit.text);
    words.windows(2).any(|pair| {
        let [before, word] = pair else { return false };
        let gap = unit.text.get(before.span.end..word.span.start).unwrap_or_default();
        let inside = !gap.contains(['.', ':', ';', '!', '?', '"', '\u{201c}', '(']);
        let asked = clause.subjects.iter().any(|subject| subject.stem == stem(&word.text));
        inside && word.is_capitalised() && word.text.len() >= 3 && !asked && !lists::DATES.has(word)
    })
}

/// Whether the unit says who the one is that was asked for: "the officer is ...", "the officer (Ms ...".
fn identity(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> bool {
    let asked =
        |word: &Token<'_>| clause.subjects.iter().any(|subject| subject.stem == stem(&word.text));
    words.windows(2).any(|pair| {
        let [role, next] = pair else { return false };
        let gap = unit.text.get(role.span.end..next.span.start).unwrap_or_default();
        let named = gap.contains(['(', ':']) && next.is_capitalised();
        let is = matches!(next.text.as_str(), "is" | "are" | "was" | "were");
        asked(role) && !asked(next) && (is || named && unit.form != Form::Row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(question: &str, text: &str) -> f64 {
        let passage = crate::answer::Passage {
            path: "a.md".into(),
            lines: (1, 1),
            text: text.into(),
            ..crate::answer::Passage::default()
        };
        let (units, _) = crate::answer::evidence::units(&passage, 0);
        fits(&units[0], &crate::answer::clauses(question)[0])
    }

    #[test]
    fn the_kind_that_was_asked_for_is_recognised() {
        for (question, yes, no) in [
            ("How long is the trial?", "It takes two working days.", "The box is red."),
            ("How long is the rope?", "The rope is 40 metres long.", "The rope is red."),
            (
                "How many boxes are there?",
                "There are 40 large boxes.",
                "There are boxes, and there are 40 lamps.",
            ),
            (
                "How many samples fit in one run?",
                "One run gives 96 samples.",
                "One run gives samples for 40 days.",
            ),
            (
                "Where is the refuge?",
                "The refuge stands in the old town.",
                "The refuge is used in winter.",
            ),
            ("What does it cost?", "It costs 5 euros.", "It has 5 legs."),
            ("How far is it?", "It is 400 metres away.", "It is green."),
            ("When do you open?", "We open at 9:00.", "We open five doors."),
            ("What is the email address?", "Write to a@b.c", "Write to us."),
            ("Who decides?", "Your manager decides.", "It rains."),
            ("Who is the captain?", "The captain is Ms Berg.", "The captain sails at noon."),
            (
                "What is the name of the ship?",
                "The ship, the Aurora, sails at noon.",
                "The ship sails at noon.",
            ),
            ("When was the ship built?", "It was built in May 1980.", "It is built when needed."),
            (
                "What is the address of the office?",
                "The office is at 5 Mill Lane.",
                "The office has an address.",
            ),
        ] {
            assert!(
                fit(question, yes) > fit(question, no) + 0.4,
                "{question} {} {}",
                fit(question, yes),
                fit(question, no)
            );
        }
    }
}
