//! What kind of thing would answer a clause, read off its question word and the noun that follows.

use super::Expect;
use super::split::{ASKING, WH};
use crate::analysis::{Token, stem, stop};

/// Nouns that ask for a proper name.
pub(super) const NAMES: &[&str] =
    &["name", "names", "brand", "make", "manufacturer", "maker", "model", "producer"];

/// Adjectives that ask for a number after `how`.
pub(super) fn is_measure(word: &str) -> bool {
    const MEASURES: &[&str] = &[
        "far", "big", "large", "heavy", "tall", "old", "hot", "cold", "fast", "high", "deep",
        "wide", "small", "close", "warm", "thick", "strong", "loud", "steep", "long", "often",
        "many", "much", "soon",
    ];
    MEASURES.contains(&word)
}

/// What a noun that names a measure asks for.
pub(super) fn attribute(word: &str) -> Option<Expect> {
    Some(match word {
        "length" | "distance" | "height" | "width" | "depth" | "size" | "diameter"
        | "thickness" | "speed" | "temperature" | "weight" | "number" | "amount" | "quantity"
        | "capacity" | "percentage" | "rate" | "age" | "altitude" | "count" | "volume"
        | "limit" | "pressure" | "voltage" | "power" | "wavelength" | "horsepower" | "latency"
        | "load" | "version" | "angle" | "density" | "torque" => Expect::Number,
        "sum" | "budget" | "discount" | "reduction" | "pay" | "wage" => Expect::Money,
        "price" | "cost" | "costs" | "fee" | "fare" | "salary" | "fine" | "vat" | "tax" => {
            Expect::Money
        }
        "duration" | "interval" | "timeout" | "frequency" => Expect::Duration,
        "deadline" | "date" => Expect::Time,
        _ => return None,
    })
}

/// What would answer a clause, and the stems of what is counted where that is a count.
pub(super) fn expect(words: &[Token<'_>]) -> (Expect, Vec<String>) {
    let text: Vec<&str> = words.iter().map(|t| t.text.as_str()).collect();
    let opening = text.first().copied().unwrap_or_default();
    let mut at = text.iter().position(|w| WH.contains(w));
    if ASKING.contains(&opening) && !WH.contains(&opening) {
        at = asked_inside(&text);
        if at.is_none() {
            return (Expect::YesNo, Vec::new());
        }
    }
    let Some(rest) = at.and_then(|at| text.get(at..)) else { return (keywords(&text), Vec::new()) };
    let follow = |n: usize| rest.get(n).copied().unwrap_or_default();
    match follow(0) {
        "how" if follow(1) == "many" && !is_time_word(follow(2)) => (Expect::Count, counted(rest)),
        "how" if follow(1) == "far" && (follow(2) == "ahead" || follow(3) == "advance") => {
            (Expect::Duration, Vec::new())
        }
        "how" => (how(follow(1), follow(2)), Vec::new()),
        "who" | "whom" | "whose" => (who(rest), Vec::new()),
        "where" => (Expect::Place, Vec::new()),
        "why" => (Expect::Reason, Vec::new()),
        "when" if matches!(follow(1), "was" | "were" | "did" | "had") => (Expect::Past, Vec::new()),
        "when" => (Expect::Time, Vec::new()),
        _ => (what(rest), Vec::new()),
    }
}

/// A question without question word: the first noun of measure tells; sums are left open, because "pay" may be anything.
fn keywords(text: &[&str]) -> Expect {
    if text.contains(&"opening") && text.contains(&"hours") {
        return Expect::Time;
    }
    let told =
        text.iter().find_map(|word| attribute(word)).filter(|expect| *expect != Expect::Money);
    told.or_else(|| {
        text.iter().any(|word| matches!(*word, "price" | "cost" | "fee")).then_some(Expect::Money)
    })
    .unwrap_or(Expect::Other)
}

fn how(word: &str, next: &str) -> Expect {
    match word {
        "long" | "often" | "soon" | "frequently" | "quickly" | "late" | "early" => Expect::Duration,
        "much" | "many" if is_time_word(next) || matches!(next, "notice" | "time") => {
            Expect::Duration
        }
        "much" if stop::is_stop(next) || is_money(next) => Expect::Money,
        word if is_measure(word) => Expect::Number,
        _ => Expect::Manner,
    }
}

fn who(rest: &[&str]) -> Expect {
    let role = ["responsible", "allowed", "entitled", "eligible", "to", "exempt", "charge"];
    let is = rest.get(1).is_some_and(|word| matches!(*word, "is" | "are" | "was" | "were"));
    if is && rest.len() <= 9 && !rest.iter().any(|word| role.contains(word)) {
        Expect::Identity
    } else {
        Expect::Person
    }
}

fn what(rest: &[&str]) -> Expect {
    let has = |list: &[&str]| rest.iter().any(|word| list.contains(word));
    let next = rest.get(1).copied().unwrap_or_default();
    let is = matches!(next, "is" | "are" | "was" | "were" | "s");
    let does = matches!(next, "does" | "do" | "will" | "would" | "can" | "may");
    let which = rest.first().is_some_and(|word| *word == "which");
    match next {
        "time" | "day" | "date" | "month" | "year" | "days" | "hours" | "deadline" | "weekday"
        | "times" => Expect::Time,
        "command" | "commands" => Expect::Command,
        "percent" | "port" | "version" => Expect::Number,
        "person" | "team" | "role" => Expect::Person,
        "email" => Expect::Email,
        _ if (is || which) && has(&["email"]) && has(&["address", "addresses"]) => Expect::Email,
        _ if (is || next == "address") && has(&["address"]) => Expect::Address,
        _ if has(&["phone", "telephone", "fax", "mobile"]) && has(&["number"]) => Expect::Phone,
        "number" if has(&["call", "ring", "dial", "phone"]) => Expect::Phone,
        "extension" => Expect::Phone,
        _ if is && has(&["hours"]) => Expect::Time,
        _ if NAMES.contains(&next) || is && has(NAMES) => Expect::Name,
        _ if does && has(&["weigh"]) => Expect::Number,
        _ if does && has(&["cost", "costs", "spend", "charge"]) => Expect::Money,
        _ => attribute(next)
            .or_else(|| {
                if is { rest.iter().skip(2).take(5).find_map(|word| attribute(word)) } else { None }
            })
            .unwrap_or(Expect::Other),
    }
}

/// The stems of the noun that follows `how many`.
fn counted(rest: &[&str]) -> Vec<String> {
    rest.iter()
        .skip(2)
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

fn is_money(word: &str) -> bool {
    matches!(
        word,
        "money"
            | "tax"
            | "rent"
            | "discount"
            | "pay"
            | "vat"
            | "duty"
            | "interest"
            | "deposit"
            | "commission"
    )
}

pub(super) fn is_time_word(word: &str) -> bool {
    matches!(word, "days" | "weeks" | "months" | "years" | "hours" | "minutes" | "seconds")
}
