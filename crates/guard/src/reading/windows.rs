//! What a reading shows of a text that it reads differently in a few places only: these places and
//! a little around them.

use std::ops::Range;

use super::Made;

/// How much is shown on each side of a place, bytes.
const AROUND: usize = 96;

/// The text around the edits, with them made; each stretch a line of its own. `None` without edits,
/// which are in order and apart.
pub(super) fn windows(text: &str, edits: &[(Range<usize>, String)]) -> Option<Made> {
    let (first, _) = edits.first()?;
    let mut made = Made::default();
    let mut done = floor(text, first.start.saturating_sub(AROUND));
    for (i, (span, written)) in edits.iter().enumerate() {
        made.copy(text, done..span.start);
        made.put(written, span.clone());
        done = span.end;
        let next = edits.get(i + 1).map_or(text.len(), |(next, _)| next.start);
        if next - done > 2 * AROUND || i + 1 == edits.len() {
            let end = floor(text, (done + AROUND).min(text.len()));
            made.copy(text, done..end);
            done = floor(text, next.saturating_sub(AROUND)).max(end);
            if i + 1 < edits.len() {
                made.put("\n", end..end);
            }
        }
    }
    Some(made)
}

/// The start of the character that stands at `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
