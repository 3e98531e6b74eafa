//! Packing the sentences, rows and lines of one section into chunks.

use std::ops::Range;

use super::block::{Block, Kind};
use super::{HARD_BYTES, HARD_WORDS, MAX_WORDS};
use crate::analysis::sentence::sentences;

/// The smallest piece that is not cut.
struct Unit {
    bytes: Range<usize>,
    words: usize,
    /// A heading or a lead-in: what follows belongs to it.
    leads: bool,
}

/// The byte spans of the chunks of one section. Blank space and asides at the edges are left out.
pub(super) fn pack(text: &str, section: &[Block]) -> Vec<Range<usize>> {
    let units: Vec<Unit> = section.iter().flat_map(|block| units(text, block)).collect();
    let total: usize = units.iter().map(|unit| unit.words).sum();
    let goal = total.div_ceil(total.div_ceil(MAX_WORDS).max(1));
    let mut out = Vec::new();
    let mut open: Vec<Unit> = Vec::new();
    for unit in units {
        let words: usize = open.iter().map(|unit| unit.words).sum();
        let too_many_bytes =
            open.first().is_some_and(|first| unit.bytes.end - first.bytes.start > HARD_BYTES);
        let only_leads = open.iter().all(|unit| unit.leads);
        let full = words + unit.words > MAX_WORDS
            && !(only_leads && words + unit.words <= HARD_WORDS)
            || words >= goal;
        if !open.is_empty() && (full || too_many_bytes) {
            let keep = if too_many_bytes { open.len() } else { without_leads(&open) };
            let rest = open.split_off(keep);
            close(&open, &mut out);
            open = rest;
        }
        open.push(unit);
    }
    close(&open, &mut out);
    out
}

/// How many units to close so that a lead-in stays with what it leads; all of them when they are nothing but lead-ins.
fn without_leads(open: &[Unit]) -> usize {
    let kept = open.len() - open.iter().rev().take_while(|unit| unit.leads).count();
    if kept == 0 { open.len() } else { kept }
}

fn close(open: &[Unit], out: &mut Vec<Range<usize>>) {
    if let (Some(first), Some(last)) = (open.first(), open.last()) {
        out.push(first.bytes.start..last.bytes.end);
    }
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn units(text: &str, block: &Block) -> Vec<Unit> {
    let Some(slice) = text.get(block.bytes.clone()) else { return Vec::new() };
    let unit = |span: Range<usize>, leads: bool| Unit {
        words: text.get(span.clone()).map_or(0, count),
        bytes: span,
        leads,
    };
    let fits = count(slice) <= HARD_WORDS && slice.len() <= HARD_BYTES;
    let spans: Vec<Range<usize>> = match block.kind {
        Kind::Aside => return Vec::new(),
        Kind::Heading { .. } => {
            return cut(text, block.bytes.clone())
                .into_iter()
                .map(|span| unit(span, true))
                .collect();
        }
        Kind::Table | Kind::Code if fits => vec![block.bytes.clone()],
        Kind::Table | Kind::Code => line_spans(slice, block.bytes.start),
        Kind::Paragraph | Kind::Item => sentences(slice)
            .into_iter()
            .map(|span| span.start + block.bytes.start..span.end + block.bytes.start)
            .collect(),
    };
    let mut out: Vec<Unit> =
        spans.into_iter().flat_map(|span| cut(text, span)).map(|span| unit(span, false)).collect();
    if let Some(last) = out.last_mut() {
        last.leads = slice.trim_end().ends_with(':');
    }
    out
}

fn line_spans(slice: &str, base: usize) -> Vec<Range<usize>> {
    super::line::lines(slice)
        .into_iter()
        .filter(|line| !line.is_blank())
        .map(|line| line.start + base..line.end() + base)
        .collect()
}

/// Cuts a piece that breaks the hard limits at white space, or inside a word when there is none.
fn cut(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = span.start;
    while let Some(rest) = text.get(start..span.end).filter(|rest| !rest.is_empty()) {
        if count(rest) <= HARD_WORDS && rest.len() <= HARD_BYTES {
            out.push(start..span.end);
            break;
        }
        let mut words = 0;
        let mut space = 0;
        let mut end = 0;
        let mut in_word = false;
        for (at, c) in rest.char_indices() {
            if c.is_whitespace() {
                if in_word {
                    space = at;
                }
                in_word = false;
            } else if !in_word {
                in_word = true;
                words += 1;
            }
            if words > HARD_WORDS || at + c.len_utf8() > HARD_BYTES {
                break;
            }
            end = at + c.len_utf8();
        }
        let end = if space > 0 { space } else { end };
        out.push(start..start + end);
        let skipped = rest.get(end..).map_or(0, |tail| tail.len() - tail.trim_start().len());
        start += end + skipped;
    }
    out
}
