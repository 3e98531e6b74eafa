//! Numbers with their units: lengths of time, counts, measures.

use super::lists::{self, List};
use crate::analysis::synonym::nearness;
use crate::analysis::{Token, stem, tokens};
use crate::answer::evidence::{Form, Unit};
use crate::answer::question::Clause;

/// The units that an adjective or noun of measure calls for.
const MEASURES: &[(&[&str], List)] = &[
    (
        &[
            "far", "tall", "high", "deep", "wide", "thick", "distance", "height", "depth", "width",
            "altitude", "close", "diameter",
        ],
        lists::LENGTHS,
    ),
    (&["heavy", "weight", "weigh"], lists::WEIGHTS),
    (&["old", "age", "aged"], lists::AGES),
    (&["hot", "cold", "warm", "temperature"], lists::TEMPERATURES),
    (&["fast", "speed"], lists::SPEEDS),
];

fn is_amount(word: &Token<'_>) -> bool {
    word.is_number() || lists::AMOUNTS.has(word)
}

/// Whether an amount stands before one of the units.
fn measured(words: &[Token<'_>], units: List) -> bool {
    words
        .windows(2)
        .any(|pair| matches!(pair, [amount, unit] if is_amount(amount) && units.has(unit)))
}

/// How well the words tell a number of the kind that the clause calls for.
pub(super) fn number(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> f64 {
    let asked = tokens(&clause.text);
    let called =
        MEASURES.iter().find(|(names, _)| asked.iter().any(|t| names.contains(&t.text.as_str())));
    let symbol = unit.text.contains(['%', '\u{b0}']);
    let any = words.iter().any(Token::is_number);
    let fits = match called {
        Some((_, units)) => symbol || measured(words, *units),
        None => {
            any && (symbol
                || [lists::LENGTHS, lists::WEIGHTS, lists::OTHER_UNITS]
                    .iter()
                    .any(|units| measured(words, *units)))
        }
    };
    match (fits, any, called.is_some()) {
        (true, _, _) => 1.0,
        (false, true, true) => 0.4,
        (false, true, false) => 0.8,
        (false, false, false) if lists::QUANTITIES.any(words) => 0.4,
        (false, false, _) => 0.0,
    }
}

/// How well the words tell a length of time, or how often.
pub(super) fn duration(words: &[Token<'_>], clause: &Clause) -> f64 {
    let question = clause.text.to_lowercase();
    let often = ["often", "frequen", "interval"].iter().any(|word| question.contains(word));
    let told = lists::SPANS.any(words) || often && lists::FREQUENCY.any(words);
    let apart = words
        .windows(3)
        .any(|three| matches!(three, [amount, _, unit] if is_amount(amount) && lists::TIME_UNITS.has(unit)));
    // "How long is the rope?" may ask for metres as well.
    let length = question.contains("how long") && measured(words, lists::LENGTHS);
    if told || apart || length || measured(words, lists::TIME_UNITS) {
        1.0
    } else if words.iter().any(Token::is_number)
        || lists::TIME_UNITS.any(words)
        || lists::TIME_CLAUSES.any(words)
    {
        0.4
    } else {
        0.0
    }
}

/// How well the words tell a count: it stands directly before what is counted, or in its cell of a table.
pub(super) fn count(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> f64 {
    let number = words.iter().any(Token::is_number);
    // "How many customer accounts" counts accounts, "how many people work here" counts people.
    let person = clause.counted.first().filter(|noun| noun.as_str() == "person");
    let Some(noun) = person.or(clause.counted.last()) else { return f64::from(u8::from(number)) };
    let is_counted = |word: &Token<'_>| {
        let stem = stem(&word.text);
        *noun == stem || nearness(noun, &stem) >= 0.8
    };
    let beside = words.iter().enumerate().filter(|(_, word)| is_counted(word)).any(|(at, _)| {
        let before = words.get(at.saturating_sub(3)..at).unwrap_or_default();
        before.iter().any(Token::is_number)
            || before.last().is_some_and(|word| lists::COUNTS.has(word))
    });
    match (beside, number, unit.form) {
        (true, _, _) => 1.0,
        (false, true, Form::Row) => 0.7,
        (false, true, _) => 0.35,
        (false, false, _) => 0.0,
    }
}
