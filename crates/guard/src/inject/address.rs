//! How an assistant or another machine is spoken to.

use std::ops::Range;

use super::signal::{Signal, Signals, Trait};

/// Words before whom somebody addresses.
const ADDRESSING: [&str; 52] = [
    "to",
    "for",
    "dear",
    "hey",
    "hi",
    "any",
    "every",
    "all",
    "you",
    "are",
    "an",
    "para",
    "a",
    "querido",
    "querida",
    "eres",
    "à",
    "l'",
    "pour",
    "cher",
    "chere",
    "tout",
    "toute",
    "es",
    "die",
    "fur",
    "liebe",
    "lieber",
    "hallo",
    "du",
    "caro",
    "ao",
    "as",
    "se",
    "к",
    "для",
    "уважаемый",
    "уважаемая",
    "дорогой",
    "дорогая",
    "ты",
    "эй",
    "الي",
    "علي",
    "ايها",
    "عزيزي",
    "يا",
    "اي",
    "प्रिय",
    "हे",
    "सुनो",
    "यदि",
];
/// The same where words are not set apart.
const ADDRESSING_UNSPACED: [&str; 11] =
    ["致", "给", "請", "请", "亲爱的", "尊敬的", "各位", "所有", "如果你是", "任何", "親愛なる"];

/// What follows in Japanese on whom somebody addresses or speaks of.
const TOPIC: [&str; 6] = ["は", "よ", "へ", "に告", "、", "宛"];

/// Whether a machine is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    None,
    /// By a sign of it.
    Perhaps,
    /// It is called, at the beginning of a clause.
    Called,
}

/// How a machine that is named here is spoken to.
pub(super) fn addressed(
    text: &str,
    signals: &mut Signals,
    window: &Range<usize>,
    ai: &Range<usize>,
) -> Address {
    let after = text.get(ai.end..window.end).unwrap_or_default();
    let (after, before) =
        (first(after, 64), last(text.get(window.start..ai.start).unwrap_or_default(), 64));
    let called = called(after);
    let clause = after.split(['.', '!', '?', '。']).next().unwrap_or_default();
    let announced = clause.contains(':');
    let mut words = before.trim_end().rsplit(|c: char| c.is_whitespace()).take(3);
    let tail = last(before, 9);
    let turned_to = words.any(|word| {
        ADDRESSING.contains(&word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\''))
    }) || ADDRESSING_UNSPACED.iter().any(|word| tail.contains(word));
    let opened = |c: char| c.is_whitespace() || "\"'«„“「(*<!-#/[".contains(c);
    let led = before.trim_end_matches(opened).chars().next_back();
    let leads = led.is_none_or(|last| ".!?:;([\">-–—#*/=|。(।".contains(last));
    let topic = TOPIC.iter().any(|particle| after.starts_with(particle));
    let vocative = called && (leads || turned_to);
    let shown = [
        (Trait::Called, called),
        (Trait::Announced, announced),
        (Trait::Addressed, turned_to),
        (Trait::Leads, leads),
        (Trait::Topic, topic),
        (Trait::Vocative, vocative),
    ];
    for (one, _) in shown.into_iter().filter(|(_, holds)| *holds) {
        signals.show(Signal::trait_of(one), Some(ai.clone()));
    }
    match (vocative, called || announced || turned_to || topic) {
        (true, _) => Address::Called,
        (false, true) => Address::Perhaps,
        (false, false) => Address::None,
    }
}

/// At most so many characters from the start: what is asked of every stem is asked of a bounded
/// piece, so that a text without spaces costs no more than any other.
pub(super) fn first(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The same from the end.
pub(super) fn last(text: &str, most: usize) -> &str {
    let at = most.checked_sub(1).and_then(|back| text.char_indices().rev().nth(back));
    at.and_then(|(at, _)| text.get(at..)).unwrap_or(text)
}

/// The rest of a word, at most two more, and then a comma, a colon or a dash.
fn called(after: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '\'' || c == '’' || c == '-';
    let mut rest = after.trim_start_matches(word);
    for _ in 0..2 {
        let next = rest.trim_start();
        if next.len() == rest.len() || !next.starts_with(word) {
            break;
        }
        rest = next.trim_start_matches(word);
    }
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"*)".contains(c));
    rest.starts_with([':', ',', '、', '،', '—', '–'])
}
