//! The text as it is meant to be read: NFKC without what is not seen (UAX 15, UTS 39).

use std::borrow::Cow;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

use super::chars::{digit, is_invisible, undressed};
use super::{Form, Made, Map, Reading, lookalike};

/// Most characters that are composed at once; more marks than this on one letter are noise.
const CLUSTER: usize = 32;

/// The plain reading; borrowed where the text is plain already.
pub(super) fn plain(text: &str) -> Reading<'_> {
    let same =
        || Reading { form: Form::Plain, depth: 0, text: Cow::Borrowed(text), map: Map::default() };
    if text.is_ascii() {
        return same();
    }
    match made(text) {
        Some(made) => made.of(Form::Plain, 0),
        None => same(),
    }
}

/// The plain text, if it is another.
pub(super) fn made(text: &str) -> Option<Made> {
    let normal = normal(text);
    let mixed = lookalike::mixed(normal.as_ref().map_or(text, |made| &made.text));
    match (normal, mixed) {
        (Some(normal), Some(mixed)) => Some(mixed.over(&finished(normal))),
        (made, None) | (None, made) => made,
    }
}

fn finished(mut made: Made) -> Map {
    made.map.end(made.text.len());
    made.map
}

fn normal(text: &str) -> Option<Made> {
    let mut made = Made::default();
    // What was read and stays as it is, from here on.
    let mut kept = 0;
    let mut before = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let previous = std::mem::replace(&mut before, at);
        if is_inert(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        if is_invisible(c) {
            made.copy(text, kept..at);
            kept = end;
            continue;
        }
        let marks = canonical_combining_class(c) != 0;
        let start = if marks && previous >= kept { previous } else { at };
        for _ in 0..CLUSTER {
            match characters.peek() {
                Some((next, mark)) if joins(*mark) => {
                    end = next + mark.len_utf8();
                    characters.next();
                }
                _ => break,
            }
        }
        let cluster = text.get(start..end).unwrap_or_default();
        let dressed = digit(c).is_some() || undressed(c).is_some();
        if !dressed && is_nfkc_quick(cluster.chars()) == IsNormalized::Yes {
            continue;
        }
        let read = |c: char| digit(c).or_else(|| undressed(c)).unwrap_or(c);
        let written: String = cluster.nfkc().map(read).filter(|c| !is_invisible(*c)).collect();
        if written != cluster {
            made.copy(text, kept..start);
            made.put(&written, start..end);
            kept = end;
        }
    }
    if kept == 0 {
        return None;
    }
    made.copy(text, kept..text.len());
    Some(made)
}

/// Whether a character is the same in NFKC and composes with none before it: most of what is
/// written, told without a table.
fn is_inert(c: char) -> bool {
    matches!(
        u32::from(c),
        0..=0x7F
            | 0xC0..=0x130
            | 0x400..=0x481
            | 0x48A..=0x52F
            | 0x620..=0x64A
            | 0x904..=0x93B
            | 0x93D..=0x94C
            | 0x2010
            | 0x2013..=0x2016
            | 0x2018..=0x201F
            | 0x3001..=0x3029
            | 0x3041..=0x3094
            | 0x30A1..=0x30FC
            | 0x4E00..=0x9FFF
            | 0xAC00..=0xD7A3
    )
}

/// Whether a character is written onto the one before it.
fn joins(c: char) -> bool {
    !is_inert(c)
        && !is_invisible(c)
        && (canonical_combining_class(c) != 0 || matches!(u32::from(c), 0x1161..=0x11FF))
}
