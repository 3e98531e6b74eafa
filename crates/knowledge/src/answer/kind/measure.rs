//! Numbers with their units: lengths of time, counts, measures.

use super::lists::{self, List};
use crate::analysis::synonym::nearness;
use crate::analysis::{Token, stem, stop, tokens};
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
    (&["pressure"], lists::PRESSURES),
    (&["voltage", "power", "consumption", "horsepower"], lists::POWERS),
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
    let degrees = called.is_none_or(|(names, _)| names.contains(&"temperature"));
    let symbol = unit.text.contains('%') || degrees && unit.text.contains('\u{b0}');
    // An age stands without its unit: "children under eight".
    let bare = called.is_some_and(|(names, _)| names.contains(&"age"));
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
        (false, true, true) => {
            if bare {
                0.8
            } else {
                0.4
            }
        }
        (false, true, false) => 0.8,
        (false, false, false) if lists::QUANTITIES.any(words) => 0.4,
        (false, false, _) => 0.0,
    }
}

/// How well the words tell a length of time, or how often.
pub(super) fn duration(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> f64 {
    let question = clause.text.to_lowercase();
    let often = ["often", "frequen", "interval"].iter().any(|word| question.contains(word));
    let told = lists::SPANS.any(words) || often && lists::FREQUENCY.any(words);
    let apart = words
        .windows(3)
        .any(|three| matches!(three, [amount, _, unit] if is_amount(amount) && lists::TIME_UNITS.has(unit)));
    // In a table the unit is in the head: "Paid days: 4".
    let headed = unit.form == Form::Row
        && words.windows(2).any(|pair| {
            matches!(pair, [unit, amount] if lists::TIME_UNITS.has(unit) && amount.is_number())
        });
    // "How long is the rope?" may ask for metres as well.
    let length = question.contains("how long") && measured(words, lists::LENGTHS);
    if told || apart || headed || length || measured(words, lists::TIME_UNITS) {
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

/// Whether nothing but adjectives stands between a number and a noun: "40 large boxes", not "40, the boxes".
fn counts(unit: &Unit, words: &[Token<'_>], number: usize, noun: usize) -> bool {
    let (Some(from), Some(to)) = (words.get(number), words.get(noun)) else { return false };
    let between = unit.text.get(from.span.end..to.span.start).unwrap_or_default();
    let inner = words.get(number + 1..noun).unwrap_or_default();
    !between.contains(['.', ',', ';', ':', '(', ')'])
        && !inner.iter().any(|word| stop::is_stop(&word.text) && word.text != "of")
}

/// How well the words tell a count: it stands directly before what is counted, or in its cell of a table.
pub(super) fn count(words: &[Token<'_>], unit: &Unit, clause: &Clause) -> f64 {
    let number = words.iter().any(Token::is_number);
    // "How many customer accounts" counts accounts, "how many people work here" counts people, "how many samples fit" samples: the
    // first noun or the last, whichever the unit counts.
    let (first, last) = (clause.counted.first(), clause.counted.last());
    let (Some(first), Some(last)) = (first, last) else { return f64::from(u8::from(number)) };
    let person = first == "person";
    let is = |noun: &String, word: &Token<'_>| {
        let stem = stem(&word.text);
        *noun == stem || nearness(noun, &stem) >= 0.8
    };
    let is_counted = |word: &Token<'_>| is(first, word) || !person && is(last, word);
    let beside = words.iter().enumerate().filter(|(_, word)| is_counted(word)).any(|(at, _)| {
        let before = words.get(at.saturating_sub(3)..at).unwrap_or_default();
        let number = before.iter().rposition(Token::is_number);
        number.is_some_and(|number| counts(unit, words, at - before.len() + number, at))
            || before.last().is_some_and(|word| lists::COUNTS.has(word))
    });
    // In a table the count stands under the noun: "Desks: 40".
    let under = unit.form == Form::Row
        && words
            .windows(2)
            .any(|pair| matches!(pair, [head, number] if is_counted(head) && number.is_number()));
    // "Wash three times", "in bags, at most four a visit": the noun stands elsewhere in the sentence.
    let bare = words.windows(2).any(|pair| match pair {
        [bound, number] if number.is_number() => {
            matches!(bound.text.as_str(), "most" | "to" | "least" | "only" | "maximum")
        }
        [number, times] => {
            number.is_number() && matches!(times.text.as_str(), "times" | "attempts")
        }
        _ => false,
    });
    match (beside || under, bare, number) {
        (true, ..) => 1.0,
        (false, true, _) => 0.7,
        (false, false, true) => 0.35,
        (false, false, false) => 0.0,
    }
}
