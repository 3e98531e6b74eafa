//! Follows a text letter by letter and tells the stretches of instructions in it.

use std::ops::Range;

use super::fold::Symbol;
use super::grams::{Rolling, SHORT};
use super::{GAP, GRAM, Instructions, Known, Leak};

/// A stretch that may still go on.
#[derive(Clone, Debug)]
struct Run {
    /// Bytes of the text.
    span: Range<usize>,
    /// The letter behind its last gram.
    until: usize,
    /// Letters of it that are the instructions'.
    letters: usize,
    canary: bool,
}

/// A text as it is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    rolling: Rolling,
    /// Where the last letters begin, bytes of the text.
    starts: [usize; GRAM],
    /// Where the last one ends.
    end: usize,
    /// Last letters that may all stand in a stretch.
    fit: usize,
    run: Option<Run>,
}

impl Track {
    /// Reads a letter that stands there; a stretch that is over comes back.
    pub(super) fn push(
        &mut self,
        (symbol, span): (Symbol, Range<usize>),
        of: &Instructions,
        known: &Known,
    ) -> Option<Leak> {
        if let Some(start) = self.starts.get_mut(self.rolling.read() % GRAM) {
            *start = span.start;
        }
        self.end = span.end;
        self.rolling.push(symbol);
        let fits = of.short.may_have(&self.rolling);
        self.fit = if fits { self.fit + 1 } else { SHORT - 1 }.min(self.rolling.read());
        let gram = self.rolling.gram().filter(|_| self.fit >= GRAM);
        let canary = gram.is_some() && gram == of.canary;
        let of_text = |gram: &u64| of.grams.has(*gram) && !known.0.contains(gram);
        if canary || gram.as_ref().is_some_and(of_text) {
            return self.matched((span.end, canary), of);
        }
        let goes_on = |run: &Run| self.rolling.read() - self.fit.min(GRAM - 1) <= run.until + GAP;
        if self.run.as_ref().is_some_and(goes_on) { None } else { self.close(of) }
    }

    /// The last letters are a gram of the instructions.
    fn matched(&mut self, (end, canary): (usize, bool), of: &Instructions) -> Option<Leak> {
        let (read, start) = (self.rolling.read(), self.start_of_last(GRAM));
        if let Some(run) = self.run.as_mut().filter(|run| read - GRAM <= run.until + GAP) {
            run.letters += (read - run.until).min(GRAM);
            (run.until, run.span.end) = (read, end);
            run.canary |= canary;
            return None;
        }
        let over = self.close(of);
        self.run = Some(Run { span: start..end, until: read, letters: GRAM, canary });
        over
    }

    /// Where as many of the last letters begin.
    fn start_of_last(&self, letters: usize) -> usize {
        let first = self.rolling.read().saturating_sub(letters.min(GRAM));
        self.starts.get(first % GRAM).copied().unwrap_or(0)
    }

    /// Whether what is under way is long enough to be told.
    pub(super) fn is_told(&self, of: &Instructions) -> bool {
        self.run.as_ref().is_some_and(|run| run.canary || run.letters >= of.least)
    }

    /// Ends the stretch under way.
    pub(super) fn close(&mut self, of: &Instructions) -> Option<Leak> {
        let told = self.is_told(of);
        let Run { span, letters, canary, .. } = self.run.take()?;
        let score = if canary { 100 } else { of.score(letters) };
        told.then_some(Leak { span, letters, score })
    }

    /// The first byte that may belong to a stretch which is not decided; `None` where none may.
    pub(super) fn undecided(&self) -> Option<usize> {
        let run = self.run.as_ref().map(|run| run.span.start);
        let fit = self.fit.min(GRAM - 1);
        run.or_else(|| (fit > 0).then(|| self.start_of_last(fit)))
    }

    /// The last byte of what was read.
    pub(super) fn ended(&self) -> Option<usize> {
        (self.rolling.read() > 0).then_some(self.end)
    }

    /// The first byte of a stretch under way.
    pub(super) fn under_way(&self) -> Option<usize> {
        self.run.as_ref().map(|run| run.span.start)
    }
}
