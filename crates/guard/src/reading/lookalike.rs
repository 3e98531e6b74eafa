//! Letters of other scripts that look like Latin ones (the confusables of UTS 39, the ones that
//! are used).

use super::Made;
use super::chars::pair;
use super::windows::windows;

/// Letter and lookalike, in pairs.
const CYRILLIC: &str =
    "аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwѵvӏlгrьbүyАAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSԚQԜWѴVӀIҮYЬbкkмmтtвbнhпn";
const GREEK: &str = "αaοoνvρpιiυuγyσoϲcκkτtεeηnχxωwΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX";
const ARMENIAN: &str = "օoսuոnհhցgզqյjՏSՍUՕO";
const CHEROKEE: &str = "ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎫJᏦKᏞLᎷMᏢPᎡRᏚSᎢTᏙVᎳWᎩYᏃZ";
const LISU: &str = "ꓐBꓑPꓓDꓔTꓖGꓗKꓙJꓚCꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴU";

/// The Latin letter that a letter of another script looks like.
pub(crate) fn latin(c: char) -> Option<char> {
    let pairs = match u32::from(c) {
        0x370..=0x3FF => GREEK,
        0x400..=0x52F => CYRILLIC,
        0x531..=0x58F => ARMENIAN,
        0x13A0..=0x13FF => CHEROKEE,
        0xA4D0..=0xA4FF => LISU,
        _ => return None,
    };
    pair(pairs, c)
}

/// Words that mix Latin letters with lookalikes, as Latin words: the whole text, if it has any.
pub(super) fn mixed(text: &str) -> Option<Made> {
    let mut made: Option<(Made, usize)> = None;
    for word in words_of(text).filter(|word| word.latin > 0 && word.alike > 0 && word.other == 0) {
        let (made, done) = made.get_or_insert_with(Default::default);
        let part = text.get(word.start..word.end).unwrap_or_default();
        made.copy(text, *done..word.start);
        for (at, c) in part.char_indices() {
            let at = word.start + at;
            match latin(c) {
                Some(letter) => made.put_char(letter, at..at + c.len_utf8()),
                None => made.copy(text, at..at + c.len_utf8()),
            }
        }
        *done = word.end;
    }
    made.map(|(mut made, done)| {
        made.copy(text, done..text.len());
        made
    })
}

/// Words of lookalikes alone, where they stand among Latin words.
pub(super) fn words(text: &str) -> Option<Made> {
    if text.is_ascii() {
        return None;
    }
    let (mut latin_words, mut other_words) = (0, 0);
    let mut edits = Vec::new();
    for word in words_of(text) {
        if word.alike > 1 && word.other == 0 && word.latin == 0 {
            let part = text.get(word.start..word.end).unwrap_or_default();
            let written: String = part.chars().map(|c| latin(c).unwrap_or(c)).collect();
            edits.push((word.start..word.end, written));
        } else if word.other > 0 {
            other_words += 1;
        } else if word.latin > 0 {
            latin_words += 1;
        }
    }
    // In a text of that other script these are its own words.
    (latin_words >= other_words).then(|| windows(text, &edits)).flatten()
}

/// A word, and what letters it has.
struct Word {
    start: usize,
    end: usize,
    latin: usize,
    alike: usize,
    /// Letters of other scripts that look like none.
    other: usize,
}

fn words_of(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let mut word: Option<Word> = None;
        for (at, c) in characters.by_ref() {
            if !c.is_alphanumeric() {
                if word.is_some() {
                    return word;
                }
                continue;
            }
            let word =
                word.get_or_insert(Word { start: at, end: at, latin: 0, alike: 0, other: 0 });
            word.end = at + c.len_utf8();
            if c.is_ascii_alphabetic() {
                word.latin += 1;
            } else if latin(c).is_some() {
                word.alike += 1;
            } else if !c.is_ascii_digit() {
                word.other += 1;
            }
        }
        word
    })
}
