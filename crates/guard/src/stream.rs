//! Text that arrives in pieces: each family is a filter that passes on what it has decided, and
//! what leaves at the end does not depend on where the pieces were cut.

use std::ops::Range;

use crate::finding::Finding;
use crate::fold::Offsets;
use crate::layer::{Family, Step, cover};
use crate::policy::{Action, Policy};
use crate::rewrite::{self, Change, Edit};
use crate::session::Session;
use crate::view::{LOOK_AHEAD, LOOK_BACK, View};

/// An undecided stretch longer than this is read again only when it has grown by an eighth.
const PATIENCE: usize = 512;
/// Decided text is dropped once there is this much of it.
const KEEP: usize = 4096;

/// What a piece of a stream released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// The text that may leave, unless the action is [`Action::Block`].
    pub text: String,
    /// What was decided. Spans are bytes of the whole original stream.
    pub findings: Vec<Finding>,
    /// The strictest action of these findings. After [`Action::Block`] nothing should leave.
    pub action: Action,
}

/// A filter for one stream of text.
///
/// Text that cannot be the start of a finding flows at once. What may still become one is held
/// until it is decided, at most [`Holdback::limit`] bytes.
pub struct Holdback {
    policy: Policy,
    stages: Vec<Stage>,
    /// How many stages text must have passed to leave: those up to the last that alters it.
    gates: usize,
    /// Original text that has not left.
    pending: String,
    /// Where `pending` starts in the stream.
    left: usize,
    edits: Vec<Edit>,
    /// From what the stages read to what was written.
    offsets: Offsets,
}

impl std::fmt::Debug for Holdback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holdback").field("held", &self.held()).finish_non_exhaustive()
    }
}

impl Holdback {
    pub(crate) fn new(policy: Policy) -> Self {
        let families: Vec<Family> = Family::of_policy(policy).collect();
        let gates = families.iter().rposition(|f| f.alters(policy)).map_or(0, |last| last + 1);
        let stages = families.into_iter().map(Stage::new).collect();
        let (pending, edits, offsets) = (String::new(), Vec::new(), Offsets::default());
        Self { policy, stages, gates, pending, left: 0, edits, offsets }
    }

    /// Takes the next piece and releases what is decided.
    pub fn push(&mut self, piece: &str, session: &mut Session) -> Released {
        self.advance(piece, false, session)
    }

    /// Ends the stream and releases the rest.
    pub fn finish(mut self, session: &mut Session) -> Released {
        self.advance("", true, session)
    }

    /// Bytes held back now.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Most bytes that are ever held back: the longest matches of the families that alter text, one
    /// behind the other, and an eighth more, because a long undecided stretch is read again only
    /// when it has grown.
    pub fn limit(&self) -> usize {
        let gates = self.stages.iter().take(self.gates);
        let longest: usize = gates.map(|s| s.family.longest() + LOOK_AHEAD).sum();
        longest + longest / 8
    }

    fn advance(&mut self, piece: &str, last: bool, session: &mut Session) -> Released {
        self.pending.push_str(piece);
        let mut findings = Vec::new();
        let mut arrived = Vec::with_capacity(piece.len());
        self.offsets.read(piece, &mut arrived);
        let mut decided = self.left + self.pending.len();
        for (i, stage) in self.stages.iter_mut().enumerate() {
            let found = stage.advance(&mut arrived, last);
            if i < self.gates {
                decided = self.offsets.start(stage.from);
            }
            for mut hit in found {
                hit.span = self.offsets.span(&hit.span);
                let kind = stage.family.kind();
                let opaque = stage.family == Family::Opaque;
                let taken = Change::Take(kind, self.policy.action(kind));
                let change = if opaque { Change::Escape } else { taken };
                if stage.family.alters(self.policy) {
                    self.edits.push(Edit { span: hit.span.clone(), change });
                }
                if !opaque {
                    findings.push(hit.of(kind));
                }
            }
        }
        let passed = self.stages.iter().map(|stage| stage.from).min();
        self.offsets.forget(passed.unwrap_or_default());
        let text = self.release(decided, session);
        findings.sort_by_key(|f| f.span.start);
        let action = findings.iter().map(|f| self.policy.action(f.kind)).max().unwrap_or_default();
        Released { text, findings, action }
    }

    /// Everything before `decided`, with the edits made.
    fn release(&mut self, decided: usize, session: &mut Session) -> String {
        self.edits.sort_by_key(|edit| edit.span.start);
        let ready = self.edits.partition_point(|edit| edit.span.end <= decided);
        let mut out = String::new();
        let mut done = self.left;
        let take = |span: Range<usize>| {
            let span = span.start - self.left..span.end - self.left;
            self.pending.get(span).unwrap_or_default()
        };
        for edit in self.edits.drain(..ready) {
            out.push_str(take(done..edit.span.start));
            rewrite::write(&mut out, take(edit.span.clone()), edit.change, session);
            done = edit.span.end;
        }
        out.push_str(take(done..decided));
        self.pending.drain(..decided - self.left);
        self.left = decided;
        out
    }
}

/// One family at work on a stream.
struct Stage {
    family: Family,
    /// What has arrived, with a little of what was decided before it.
    buffer: Vec<u8>,
    /// Where `buffer` starts in the stream.
    base: usize,
    /// Everything before is decided and was passed on.
    from: usize,
    /// Where the last match ended: nothing left of it is seen again.
    floor: usize,
    /// How long `buffer` must be before it is worth reading again.
    patience: usize,
}

impl Stage {
    fn new(family: Family) -> Self {
        Self { family, buffer: Vec::new(), base: 0, from: 0, floor: 0, patience: 0 }
    }

    /// Takes what arrived, leaves in its place what is decided, and returns what was found.
    fn advance(&mut self, arrived: &mut Vec<u8>, last: bool) -> Vec<crate::layer::Hit> {
        self.buffer.append(arrived);
        let mut found = Vec::new();
        if self.buffer.len() < self.patience && !last {
            return found;
        }
        let passed = self.from;
        loop {
            let view = View::new(&self.buffer, self.floor.saturating_sub(self.base), last);
            match self.family.next(&view, self.from - self.base) {
                Step::Found(mut hit) => {
                    cover(&mut self.buffer, &hit.span, self.family);
                    hit.span = hit.span.start + self.base..hit.span.end + self.base;
                    (self.from, self.floor) = (hit.span.end, hit.span.end);
                    found.push(hit);
                }
                Step::Open(at) => {
                    self.from = self.from.max(self.base + at);
                    break;
                }
                Step::Clear => {
                    self.from = self.base + self.buffer.len();
                    break;
                }
            }
        }
        let decided = self.buffer.get(passed - self.base..self.from - self.base);
        arrived.extend_from_slice(decided.unwrap_or_default());
        self.settle();
        found
    }

    /// Forgets decided text and says when to read on.
    fn settle(&mut self) {
        let spent = self.from - self.base;
        if spent > KEEP + LOOK_BACK {
            self.buffer.drain(..spent - LOOK_BACK);
            self.base = self.from - LOOK_BACK;
        }
        let open = self.base + self.buffer.len() - self.from;
        self.patience = if open > PATIENCE { self.buffer.len() + open / 8 } else { 0 };
    }
}

#[cfg(test)]
mod tests;
