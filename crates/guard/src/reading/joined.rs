//! Letters set apart to hide a word: `i g n o r e`, `i-g-n-o-r-e`, `i.g.n.o.r.e`.

use super::windows::windows;
use super::{Made, look};

/// Fewest letters that are taken for a word.
const LETTERS: usize = 4;

/// The words closed up. Two signs in a row, or a space between letters that another sign divides,
/// are the end of a word; where single spaces divide letters and words alike, the words run
/// together.
pub(super) fn joined(text: &str) -> Option<Made> {
    let characters: Vec<(usize, char)> = candidates(text)?;
    let mut edits = Vec::new();
    let mut i = 0;
    while i < characters.len() {
        match run(text, &characters, i) {
            Some((next, word, letters)) => {
                let at = |i: usize| characters.get(i).map_or(text.len(), |(at, _)| *at);
                let end = characters.get(next - 1).map_or(text.len(), |(at, c)| at + c.len_utf8());
                if letters >= LETTERS {
                    edits.push((at(i)..end, word));
                }
                i = next;
            }
            None => i += 1,
        }
    }
    windows(text, &edits)
}

/// The characters of a text that has letters set apart anywhere; nothing for any other.
fn candidates(text: &str) -> Option<Vec<(usize, char)>> {
    if text.is_ascii() && look::alone(text.as_bytes()) < LETTERS {
        return None;
    }
    let mut single = 0;
    let mut length = 0;
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() {
            length += 1;
        } else if length > 0 {
            single = if length == 1 { single + 1 } else { 0 };
            if single >= LETTERS {
                return Some(text.char_indices().collect());
            }
            length = 0;
        }
    }
    None
}

/// The letters that are set apart from `start` on: the place after them, the words, how many.
fn run(text: &str, characters: &[(usize, char)], start: usize) -> Option<(usize, String, usize)> {
    let get = |i: usize| characters.get(i).map(|(_, c)| *c);
    let letter = |i: usize| get(i).filter(|c| c.is_alphanumeric());
    let alone = |i: usize| letter(i).filter(|_| letter(i + 1).is_none());
    let first = alone(start)?;
    let sign = get(start + 1).filter(|c| is_sign(*c))?;
    if start.checked_sub(1).is_some_and(|before| letter(before).is_some()) {
        return None;
    }
    let mut word = String::with_capacity(text.len().min(64));
    word.push(first);
    let (mut letters, mut at) = (1, start + 1);
    loop {
        if get(at) == Some(sign)
            && let Some(c) = alone(at + 1)
        {
            word.push(c);
            (letters, at) = (letters + 1, at + 2);
            continue;
        }
        // The gap between two words.
        let gap = (0..4).take_while(|n| get(at + n).is_some_and(is_sign)).count();
        match alone(at + gap).filter(|_| gap > 0 && get(at + gap + 1) == Some(sign)) {
            Some(c) => {
                word.extend([' ', c]);
                (letters, at) = (letters + 1, at + gap + 1);
            }
            None => return Some((at, word, letters)),
        }
    }
}

fn is_sign(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '_' | '*' | '|' | '/' | '+' | '~' | ',' | '·' | '\t' | '\n')
}
