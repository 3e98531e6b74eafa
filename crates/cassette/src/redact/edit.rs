//! Changes of a text, all named by places of the text as it was.

use std::cmp::Reverse;
use std::ops::Range;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub(crate) range: Range<usize>,
    /// What stands there instead.
    pub(crate) with: String,
}

/// In order, without overlaps: of two that overlap the one that begins earlier counts (the longer
/// one, of two at one place) and covers both.
pub(crate) fn disjoint(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, Reverse(edit.range.end)));
    let mut kept: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match kept.last_mut() {
            Some(last) if edit.range.start < last.range.end => {
                last.range.end = last.range.end.max(edit.range.end);
            }
            _ => kept.push(edit),
        }
    }
    kept
}

/// A text after these changes, which are in order and apart.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut done = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        done.push_str(text.get(at..edit.range.start).unwrap_or_default());
        done.push_str(&edit.with);
        at = edit.range.end;
    }
    done.push_str(text.get(at..).unwrap_or_default());
    done
}

/// Where a place of the text is after these changes. One inside of what went is behind what stands
/// there instead, so that nothing is ever cut in two by a place.
pub(crate) fn moved(place: usize, edits: &[Edit]) -> usize {
    let (mut gone, mut come) = (0, 0);
    for edit in edits.iter().take_while(|edit| edit.range.start < place) {
        gone += edit.range.end.min(place) - edit.range.start;
        come += edit.with.len();
    }
    place - gone + come
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edits() -> impl Strategy<Value = (String, Vec<Edit>)> {
        ("[a-z]{0,40}", prop::collection::vec((0_usize..40, 1_usize..9, "[A-Z]{0,5}"), 0..6))
            .prop_map(|(text, changes)| {
                let length = text.len();
                let edits = changes
                    .into_iter()
                    .filter(|(start, ..)| *start < length)
                    .map(|(start, long, with)| Edit {
                        range: start..(start + long).min(length),
                        with,
                    })
                    .collect();
                (text, edits)
            })
    }

    proptest! {
        #[test]
        fn what_is_not_named_stays_and_places_follow_it((text, edits) in edits()) {
            let named = |place: usize| edits.iter().any(|edit| edit.range.contains(&place));
            let edits_apart = disjoint(edits.clone());
            let done = apply(&text, &edits_apart);
            let stays: String =
                text.char_indices().filter(|(at, _)| !named(*at)).map(|(_, c)| c).collect();
            let kept: String = done.chars().filter(char::is_ascii_lowercase).collect();
            prop_assert_eq!(kept, stays);
            for (at, letter) in text.char_indices().filter(|(at, _)| !named(*at)) {
                // A place at the start of what is replaced stands before it, so the letter's own
                // place is looked at.
                let there = moved(at + 1, &edits_apart) - 1;
                prop_assert_eq!(done[there..].chars().next(), Some(letter), "at {}", at);
            }
            let places: Vec<usize> = (0..=text.len()).map(|at| moved(at, &edits_apart)).collect();
            prop_assert!(places.is_sorted());
            prop_assert_eq!(places.last().copied(), Some(done.len()));
        }
    }
}
