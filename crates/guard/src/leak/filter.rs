//! A text that arrives in pieces, without the instructions in it. What leaves at the end does not depend
//! on where it was cut.

use std::ops::Range;

use super::fold::{fold, symbols};
use super::track::Track;
use super::{Instructions, Known, Leak, REMOVED};
use crate::reading::{Form, is_invisible, readings};

/// Bytes in a row, without spaces, that may be something encoded.
pub(super) const CODE: usize = 24;
/// Most bytes that are read as one code.
const MOST_CODE: usize = 64 << 10;
/// Bytes of other text behind a code after which another goes on with nothing.
const APART: usize = 64;

/// A filter for one text. Held back is what may still be a stretch of the instructions: mostly a word;
/// a code until it ends; and a stretch until it is over.
#[derive(Clone, Debug)]
pub struct LeakFilter {
    of: Instructions,
    known: Known,
    plain: Track,
    /// What codes say, by how they are written.
    coded: Vec<(Form, Track)>,
    code: Code,
    /// Text that has not left, and where it begins.
    pending: String,
    left: usize,
    /// Bytes read.
    read: usize,
    leaks: Vec<Leak>,
    /// How many of them have been written over.
    done: usize,
}

/// Where something encoded may stand.
#[derive(Clone, Debug, Default)]
struct Code {
    /// Where the word under way begins.
    word: Option<usize>,
    /// Where codes in a row begin, and end by now.
    row: Option<Range<usize>>,
}

impl LeakFilter {
    pub(super) fn new(of: Instructions, known: Known) -> Self {
        Self {
            of,
            known,
            plain: Track::default(),
            coded: Vec::new(),
            code: Code::default(),
            pending: String::new(),
            left: 0,
            read: 0,
            leaks: Vec::new(),
            done: 0,
        }
    }

    /// Takes the next piece and gives what may be shown of the text so far.
    pub fn push(&mut self, piece: &str) -> String {
        self.pending.push_str(piece);
        for c in piece.chars() {
            let span = self.read..self.read + c.len_utf8();
            self.read = span.end;
            let Self { plain, of, known, leaks, .. } = self;
            fold(c, |symbol| leaks.extend(plain.push((symbol, span.clone()), of, known)));
            self.spell(c, span);
        }
        self.release()
    }

    /// Gives the rest, and every place where instructions stood: bytes of the whole text.
    pub fn finish(mut self) -> (String, Vec<Leak>) {
        self.end_word(self.read);
        self.read_row();
        let Self { plain, coded, of, leaks, .. } = &mut self;
        leaks.extend(plain.close(of));
        leaks.extend(coded.iter_mut().filter_map(|(_, track)| track.close(of)));
        let rest = self.give(self.read);
        self.leaks.sort_by_key(|leak| (leak.span.start, leak.span.end));
        (rest, self.leaks)
    }

    /// Whether instructions have stood in the text by now.
    pub fn has_leaked(&self) -> bool {
        let under_way = |track: &Track| track.is_told(&self.of);
        let coded = || self.coded.iter().any(|(_, track)| under_way(track));
        !self.leaks.is_empty() || under_way(&self.plain) || coded()
    }

    /// Bytes held back now.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Looks for codes: words of ASCII that no language has.
    fn spell(&mut self, c: char, span: Range<usize>) {
        if c.is_ascii_graphic() || is_invisible(c) {
            let start = *self.code.word.get_or_insert(span.start);
            if span.end - start >= MOST_CODE {
                self.end_word(span.end);
                self.read_row();
            }
            return;
        }
        self.end_word(span.start);
        if !c.is_whitespace() {
            self.read_row();
        }
        if self.code.row.is_none() {
            self.forget(span.end);
        }
    }

    fn end_word(&mut self, end: usize) {
        let Some(start) = self.code.word.take() else { return };
        let word = self.pending.get(start - self.left..end - self.left).unwrap_or_default();
        if !is_code(word) {
            self.read_row();
            return;
        }
        let row = self.code.row.get_or_insert(start..end);
        row.end = end;
        if row.len() >= MOST_CODE {
            self.read_row();
        }
    }

    /// Reads what codes in a row say.
    fn read_row(&mut self) {
        let Some(row) = self.code.row.take().filter(|row| row.len() >= CODE) else { return };
        let text = self.pending.get(row.start - self.left..row.end - self.left).unwrap_or_default();
        for reading in readings(text) {
            if reading.form != Form::Hidden && reading.depth == 0 {
                continue;
            }
            let at = self.coded.iter().position(|(form, _)| *form == reading.form);
            let at = at.unwrap_or_else(|| {
                self.coded.push((reading.form, Track::default()));
                self.coded.len() - 1
            });
            let Some((_, track)) = self.coded.get_mut(at) else { continue };
            for symbol in symbols(&reading.text) {
                self.leaks.extend(track.push((symbol, row.clone()), &self.of, &self.known));
            }
        }
    }

    /// What codes said long before here goes on no more.
    fn forget(&mut self, here: usize) {
        if self.coded.is_empty() {
            return;
        }
        let Self { coded, of, leaks, .. } = self;
        coded.retain_mut(|(_, track)| {
            let near = track.ended().is_some_and(|end| end + APART >= here);
            if !near {
                leaks.extend(track.close(of));
            }
            near
        });
    }

    /// Everything that is decided.
    fn release(&mut self) -> String {
        let row = self.code.row.as_ref().map(|row| row.start);
        let coded = self.coded.iter().filter_map(|(_, track)| track.under_way());
        let undecided = [self.plain.undecided(), self.code.word, row];
        let undecided = undecided.into_iter().flatten().chain(coded).min();
        self.give(undecided.unwrap_or(self.read))
    }

    /// The text before `until`, with what was told taken out.
    fn give(&mut self, until: usize) -> String {
        let fresh = self.leaks.get_mut(self.done..).unwrap_or_default();
        fresh.sort_by_key(|leak| (leak.span.start, leak.span.end));
        let mut out = String::new();
        let from = self.left;
        let text = |span: Range<usize>| self.pending.get(span.start - from..span.end - from);
        let mut at = self.left;
        let mut until = until;
        for Leak { span, .. } in self.leaks.get(self.done..).unwrap_or_default() {
            if span.end > until {
                until = until.min(span.start).max(at);
                break;
            }
            if span.start >= at {
                out.push_str(text(at..span.start).unwrap_or_default());
                out.push_str(REMOVED);
            }
            at = at.max(span.end);
            self.done += 1;
        }
        let until = until.max(at);
        out.push_str(text(at..until).unwrap_or_default());
        self.pending.drain(..until - self.left);
        self.left = until;
        out
    }
}

/// Whether a word may be something encoded, or a piece of it.
fn is_code(word: &str) -> bool {
    let bytes = word.as_bytes();
    word.len() >= CODE
        || bytes.len() == 2 && bytes.iter().all(u8::is_ascii_hexdigit)
        || word.starts_with('&') && word.ends_with(';')
        || bytes.first().is_some_and(|first| b"\\%".contains(first)) && bytes.len() > 2
}
