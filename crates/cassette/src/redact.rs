//! What must not be kept, found in whatever it stands in: values by what they are (keys that the
//! transport handed out, what the guard takes out of texts, ids of accounts) and by what they are
//! called.

use std::collections::HashMap;
use std::ops::Range;

use largestack_guard::{Guard, Policy};
use largestack_ports::vault::Sensitive;

mod address;
mod edit;
mod leaves;
mod meant;
mod names;
mod text;

pub(crate) use address::path;
pub(crate) use edit::{Edit, apply, disjoint, moved};
pub(crate) use leaves::dense;
pub(crate) use names::is_open_header;

use leaves::{Leaf, leaves};
use meant::Meant;

/// What stands where a value stood.
pub(crate) const MARKER: &str = "[REDACTED]";
/// Shorter values are words that stand elsewhere, too, and no keys.
const SHORTEST_VALUE: usize = 8;
/// How many strings of JSON within each other are read.
const DEEPEST: usize = 4;

/// What is looked for.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    guard: Guard,
    /// Values that are known, in each form that they are written in, with what replaces them.
    known: Vec<(String, String)>,
}

impl Redactor {
    /// What the default policy of the guard takes out, and what names say.
    pub(crate) fn new(values: &[Sensitive]) -> Self {
        let mut redactor = Self { guard: Guard::new(Policy::default()), known: Vec::new() };
        for value in values {
            if value.expose().len() >= SHORTEST_VALUE {
                redactor.replace(value.expose(), MARKER);
            }
        }
        redactor
    }

    /// Also replaces this value wherever it stands.
    pub(crate) fn replace(&mut self, value: &str, with: &str) {
        for form in text::forms(value) {
            if !self.known.iter().any(|(known, _)| *known == form) {
                self.known.push((form, with.to_owned()));
            }
        }
        // A value that holds another is found whole.
        self.known.sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
    }

    /// Whether a text holds a value that is known to be secret.
    pub(crate) fn knows_in(&self, text: &str) -> bool {
        self.known.iter().any(|(value, with)| with == MARKER && text.contains(value.as_str()))
    }

    /// Whether there is anything to take out of bytes in which nothing can be replaced.
    pub(crate) fn objects_to(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        self.knows_in(&text) || self.validates_in(&text, DEEPEST)
    }

    /// Whether a value with check characters is in a text or in what it means behind its escapes, as
    /// in frames of JSON between other bytes.
    fn validates_in(&self, text: &str, deeper: usize) -> bool {
        let within = |meant: Meant| self.validates_in(meant.text(), deeper - 1);
        self.guard.scan(text).findings.iter().any(|found| found.validated)
            || deeper > 0 && Meant::of(text).is_some_and(within)
    }

    /// A text without what must not be kept.
    pub(crate) fn clean(&self, text: &str) -> String {
        apply(text, &self.edits(text))
    }

    /// What must change in a body: JSON, lines of JSON, events whose data is JSON, a form, XML or
    /// anything else that is text. A value that is spread over several events is found, too.
    pub(crate) fn edits(&self, body: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        let whole = leaves(body, 0).map(|document| vec![document]);
        let documents = whole.unwrap_or_else(|| {
            let lines = text::lines(body).map(|(at, line)| (at, line, leaves(line, at)));
            let mut documents = Vec::new();
            for (at, line, document) in lines {
                match document {
                    Some(document) => documents.push(document),
                    None => self.plain(line, at, &mut edits),
                }
            }
            documents
        });
        let json = !documents.is_empty();
        if !json {
            edits.clear();
            text::form(body, &mut edits);
            text::elements(body, &mut edits);
            self.plain(body, 0, &mut edits);
        }
        let mut known = |range, with: &str| edits.push(Edit { range, with: with.to_owned() });
        self.known_in(body, json, &mut known);
        self.documents(body, documents, &mut edits);
        disjoint(edits)
    }

    /// What must change in a text that is no JSON and stands here.
    fn plain(&self, text: &str, at: usize, edits: &mut Vec<Edit>) {
        let there = |range: Range<usize>| range.start + at..range.end + at;
        self.known_in(text, false, &mut |range, with| {
            edits.push(Edit { range: there(range), with: with.to_owned() });
        });
        let mut found = |range, with| edits.push(Edit { range: there(range), with });
        self.found_in(text, false, DEEPEST, &mut found);
    }

    /// Values that are known. In JSON, what stands in quotes is spelled for them: a quote of the
    /// value's own would be the end of a string.
    fn known_in(&self, text: &str, json: bool, found: &mut dyn FnMut(Range<usize>, &str)) {
        let spelled = |value: &str| {
            let inner = serde_json::from_str::<String>(&format!("\"{value}\""));
            !json || inner.is_ok()
        };
        let escapes = if json { Meant::of(text) } else { None };
        for (value, with) in self.known.iter().filter(|(value, _)| spelled(value)) {
            for (at, value) in text.match_indices(value.as_str()) {
                let range = at..at + value.len();
                // Behind a backslash that is text, a value's own escape begins one byte too early.
                let range = escapes.as_ref().map_or(range.clone(), |meant| meant.around(range));
                found(range, with);
            }
        }
    }

    /// What is told by its look: in the text as it stands, where that is no JSON, and in what it
    /// means behind its escapes, and behind theirs.
    fn found_in(
        &self,
        text: &str,
        json: bool,
        deeper: usize,
        found: &mut dyn FnMut(Range<usize>, String),
    ) {
        let meant = (deeper > 0).then(|| Meant::of(text)).flatten();
        let Some(meant) = meant else { return self.seen_in(text, found) };
        if !json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            self.seen_in(text, &mut |range, with| found(meant.around(range), with));
        }
        self.found_in(meant.text(), false, deeper - 1, &mut |range, with| {
            found(meant.written(range), with);
        });
    }

    fn seen_in(&self, text: &str, found: &mut dyn FnMut(Range<usize>, String)) {
        for finding in self.guard.scan(text).findings {
            if self.guard.policy().action(finding.kind).alters() {
                found(finding.span, finding.kind.marker());
            }
        }
        for range in text::accounts(text) {
            found(range, MARKER.to_owned());
        }
    }

    fn documents(&self, body: &str, documents: Vec<Vec<Leaf>>, edits: &mut Vec<Edit>) {
        let mut threads: Vec<Vec<Leaf>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for document in documents {
            let which = which_thread(body, &document);
            let numbers: Vec<String> = document
                .iter()
                .filter(|leaf| leaf.name == "logprob")
                .filter_map(|leaf| leaf.path.get(..leaf.parent).map(str::to_owned))
                .collect();
            for leaf in document {
                let parent = leaf.path.get(..leaf.parent).unwrap_or_default();
                let piece = leaf.name == "token" && numbers.iter().any(|path| path == parent);
                let named = names::is_secret(&leaf.name) && !piece
                    || names::is_account(&leaf.name) && leaf.depth <= 2;
                let raw = body.get(leaf.range.clone()).unwrap_or_default();
                let says = !raw.is_empty() && !matches!(raw, "null" | "true" | "false");
                if named && says && leaf.quoted {
                    edits.push(Edit { range: leaf.range, with: MARKER.to_owned() });
                } else if says {
                    let key = format!("{which}{}", leaf.path);
                    let next = threads.len();
                    let thread = *places.entry(key).or_insert(next);
                    if thread == next {
                        threads.push(Vec::new());
                    }
                    if let Some(thread) = threads.get_mut(thread) {
                        thread.push(leaf);
                    }
                }
            }
        }
        for thread in threads {
            self.thread(body, &thread, edits);
        }
    }

    /// What must change in a text that arrives in these pieces.
    fn thread(&self, body: &str, pieces: &[Leaf], edits: &mut Vec<Edit>) {
        let mut whole = String::new();
        let mut begins = Vec::with_capacity(pieces.len());
        for piece in pieces {
            begins.push(whole.len());
            whole.push_str(body.get(piece.range.clone()).unwrap_or_default());
        }
        let mut found: Vec<Edit> = Vec::new();
        self.known_in(&whole, true, &mut |range, with| {
            found.push(Edit { range, with: with.to_owned() });
        });
        let mut push = |range, with| found.push(Edit { range, with });
        self.found_in(&whole, true, DEEPEST, &mut push);
        // Or they are no pieces of one text, and the one before would seem to be part of a word.
        for (piece, begin) in pieces.iter().zip(&begins).filter(|_| pieces.len() > 1) {
            let text = body.get(piece.range.clone()).unwrap_or_default();
            self.found_in(text, true, DEEPEST, &mut |range, with| {
                push(range.start + begin..range.end + begin, with);
            });
        }
        for change in disjoint(found) {
            let mut with = Some(change.with);
            for (piece, begin) in pieces.iter().zip(&begins) {
                let end = begin + piece.range.len();
                let from = change.range.start.max(*begin);
                let to = change.range.end.min(end);
                if from >= to {
                    continue;
                }
                let with = with.take().unwrap_or_default();
                if piece.quoted {
                    let range = piece.range.start + from - begin..piece.range.start + to - begin;
                    edits.push(Edit { range, with });
                } else {
                    // A number in clear becomes a string that says so.
                    let range = piece.range.clone();
                    edits.push(Edit { range, with: format!("\"{with}\"") });
                }
            }
        }
    }
}

/// What tells the events of one text from those of another: the scalars at the top of an event
/// that say what kind it is and which block it belongs to.
fn which_thread(body: &str, document: &[Leaf]) -> String {
    const TELLING: &[&str] = &["type", "index", "output_index", "content_index", "item_id"];
    let top = document.iter().filter(|leaf| leaf.depth == 1);
    let telling = top.filter(|leaf| TELLING.contains(&leaf.name.as_str()));
    telling.flat_map(|leaf| [body.get(leaf.range.clone()).unwrap_or_default(), "|"]).collect()
}

#[cfg(test)]
mod tests;
