//! The way back from a text that was made from another to what it was made from.

use std::ops::Range;

/// Where the parts of a made text come from. An empty map is a text's to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// In order of `at`.
    parts: Vec<Part>,
    /// Length of the made text.
    length: usize,
}

/// A stretch of the made text, up to the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    at: usize,
    source: Range<usize>,
    /// Whether it was copied byte for byte, and does not stand for its source as a whole.
    even: bool,
}

impl Map {
    /// The stretch at `at` was copied from `source`.
    pub(crate) fn even(&mut self, at: usize, source: Range<usize>) {
        match self.parts.last_mut() {
            Some(last) if last.even && last.source.end == source.start => {
                last.source.end = source.end;
            }
            _ => self.parts.push(Part { at, source, even: true }),
        }
    }

    /// The stretch at `at` stands for `source`.
    pub(crate) fn whole(&mut self, at: usize, source: Range<usize>) {
        self.parts.push(Part { at, source, even: false });
    }

    /// The made text is this long.
    pub(crate) fn end(&mut self, length: usize) {
        self.length = length;
    }

    /// Where a span of the made text comes from: the smallest stretch of whole characters that
    /// holds all of it.
    pub fn source(&self, span: Range<usize>) -> Range<usize> {
        if self.parts.is_empty() {
            return span;
        }
        let start = self.part(span.start).map_or(0, |part| {
            if part.even { part.source.start + (span.start - part.at) } else { part.source.start }
        });
        let last = span.end.max(span.start + 1) - 1;
        let end = self.part(last).map_or(start, |part| {
            let even = part.source.start + (span.end.max(part.at) - part.at);
            if part.even { even.min(part.source.end) } else { part.source.end }
        });
        // What was put together from places in another order is reported from the first to the last.
        if start <= end { start..end } else { end..start }
    }

    /// This map followed by another: from a text made of a made text to the first.
    pub(crate) fn over(self, below: &Self) -> Self {
        if below.parts.is_empty() {
            return self;
        }
        let mut over = Self { parts: Vec::with_capacity(self.parts.len()), length: self.length };
        for part in self.parts {
            if !part.even {
                over.whole(part.at, below.source(part.source));
                continue;
            }
            // A copied stretch may run over several parts below.
            let (mut at, mut from) = (part.at, part.source.start);
            while from < part.source.end {
                let Some((lower, next)) = below.part_and_next(from) else { break };
                let until = next.min(part.source.end);
                if lower.even {
                    let start = lower.source.start + (from - lower.at);
                    over.parts.push(Part { at, source: start..start + (until - from), even: true });
                } else {
                    over.whole(at, lower.source.clone());
                }
                at += until - from;
                from = until;
            }
        }
        over
    }

    fn part(&self, at: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.at <= at);
        self.parts.get(after.checked_sub(1)?)
    }

    fn part_and_next(&self, at: usize) -> Option<(&Part, usize)> {
        let after = self.parts.partition_point(|part| part.at <= at);
        let next = self.parts.get(after).map_or(self.length, |part| part.at);
        let part = self.parts.get(after.checked_sub(1)?)?;
        (next > at).then_some((part, next))
    }
}
