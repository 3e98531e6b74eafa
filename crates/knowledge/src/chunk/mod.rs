//! Cutting a document into chunks: pieces of one section, small enough to rank and to quote, that know exactly where they stand.
//!
//! A chunk is a slice of its document, so its lines and bytes can be cited; it never mixes sections and never ends inside a sentence,
//! unless that sentence alone is longer than the hard limits.

pub mod block;
pub(crate) mod line;
mod pack;

use std::ops::Range;

use sha2::{Digest, Sha256};

pub use block::{Block, Kind, blocks};

use crate::load::Format;

/// Words that a chunk normally does not exceed. Longer sections are cut into pieces of about equal length.
pub const MAX_WORDS: usize = 220;
/// Words that no chunk exceeds; tables, code and very long sentences may reach it.
pub const HARD_WORDS: usize = 400;
/// Bytes that no chunk exceeds.
pub const HARD_BYTES: usize = 6_000;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The first 16 bytes of SHA-256 over path, headings and text, in hex: the same content at the same place keeps its id.
    pub id: String,
    /// The document's path as it was given.
    pub path: String,
    /// Position in the document, from 0.
    pub ordinal: u32,
    /// The document's title: its front matter's, else its first heading, else its file name.
    pub title: String,
    /// The headings above the chunk, outermost first.
    pub headings: Vec<String>,
    /// First and last line, from 1, inclusive.
    pub lines: (u32, u32),
    /// Byte span in the document's text.
    pub bytes: Range<usize>,
    /// The slice of the document at `bytes`.
    pub text: String,
}

impl Chunk {
    /// The headings as one line, `Returns > Postage`.
    pub fn breadcrumb(&self) -> String {
        self.headings.join(" > ")
    }
}

/// Cuts a document into chunks.
pub fn chunks(path: &str, text: &str) -> Vec<Chunk> {
    let format = Format::of(path);
    let found = blocks(text, format);
    let title = title(path, text, &found);
    let starts = line_starts(text);
    let mut out: Vec<Chunk> = Vec::new();
    let mut trail: Vec<(u8, String)> = Vec::new();
    for section in sections(&found) {
        for block in section {
            if let Kind::Heading { level, text } = &block.kind {
                trail.retain(|(above, _)| above < level);
                trail.push((*level, plain(text)));
            }
        }
        let headings: Vec<String> = trail.iter().map(|(_, text)| text.clone()).collect();
        for bytes in pack::pack(text, section) {
            let slice = text.get(bytes.clone()).unwrap_or_default();
            let twins = out
                .iter()
                .filter(|chunk| chunk.text == slice && chunk.headings == headings)
                .count();
            out.push(Chunk {
                id: id(path, &headings, slice, twins),
                path: path.to_owned(),
                ordinal: u32::try_from(out.len()).unwrap_or(u32::MAX),
                title: title.clone(),
                headings: headings.clone(),
                lines: (
                    line_of(&starts, bytes.start),
                    line_of(&starts, bytes.end.saturating_sub(1).max(bytes.start)),
                ),
                text: slice.to_owned(),
                bytes,
            });
        }
    }
    out
}

/// Runs of blocks that begin with their headings; a heading directly followed by a deeper one stays with it.
fn sections(blocks: &[Block]) -> Vec<&[Block]> {
    let mut cuts = vec![0];
    let mut last_was_heading = true;
    for (at, block) in blocks.iter().enumerate() {
        let heading = matches!(block.kind, Kind::Heading { .. });
        if heading && !last_was_heading {
            cuts.push(at);
        }
        if block.kind != Kind::Aside {
            last_was_heading = heading;
        }
    }
    cuts.push(blocks.len());
    cuts.windows(2)
        .filter_map(|pair| blocks.get(*pair.first()?..*pair.get(1)?))
        .filter(|run| !run.is_empty())
        .collect()
}

/// Byte offsets at which lines begin.
fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn line_of(starts: &[usize], byte: usize) -> u32 {
    u32::try_from(starts.partition_point(|start| *start <= byte)).unwrap_or(u32::MAX).max(1)
}

fn title(path: &str, text: &str, blocks: &[Block]) -> String {
    let front = blocks.first().filter(|block| block.kind == Kind::Aside && block.lines.0 == 1);
    let from_front = front.and_then(|block| {
        let line =
            text.get(block.bytes.clone())?.lines().find_map(|line| line.strip_prefix("title"))?;
        let value = line.trim_start().strip_prefix([':', '='])?.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    });
    let from_heading = || {
        blocks.iter().find_map(|block| match &block.kind {
            Kind::Heading { text, .. } => Some(plain(text)),
            _ => None,
        })
    };
    let from_name = || {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).replace(['-', '_'], " ")
    };
    from_front.or_else(from_heading).filter(|title| !title.is_empty()).unwrap_or_else(from_name)
}

/// A heading without emphasis, code and link marks.
fn plain(heading: &str) -> String {
    crate::answer::clean::inline(heading)
}

fn id(path: &str, headings: &[String], text: &str, twins: usize) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(path).chain(headings.iter().map(String::as_str)).chain([text]) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hash.update(u64::try_from(twins).unwrap_or(u64::MAX).to_le_bytes());
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests;
