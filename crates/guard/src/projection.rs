//! Putting values back into text that arrives in pieces: a placeholder cut between two pieces is
//! held until it is whole.

use crate::layer::Step;
use crate::opaque;
use crate::rewrite::detokenise;
use crate::session::Nonce;
use crate::view::View;

/// A filter that resolves placeholders in a stream.
#[derive(Clone, Debug)]
pub struct Projection {
    nonce: Nonce,
    pending: String,
}

impl Projection {
    /// Most bytes that are ever held back.
    pub const LIMIT: usize = opaque::LONGEST;

    /// Resolves the placeholders made with this nonce.
    pub const fn new(nonce: Nonce) -> Self {
        Self { nonce, pending: String::new() }
    }

    /// Takes the next piece and returns what can be shown.
    pub fn push(&mut self, piece: &str, lookup: impl FnMut(&str) -> Option<String>) -> String {
        self.pending.push_str(piece);
        let view = View::new(self.pending.as_bytes(), 0, false);
        let mut at = 0;
        let whole = loop {
            match opaque::next(&view, at) {
                Step::Found(hit) => at = hit.span.end,
                Step::Open(start) => break start,
                Step::Clear => break self.pending.len(),
            }
        };
        let ready: String = self.pending.drain(..whole).collect();
        detokenise(&ready, &self.nonce, lookup).into_owned()
    }

    /// Ends the stream: what was held is no placeholder.
    pub fn finish(self) -> String {
        self.pending
    }

    /// Bytes held back now.
    pub fn held(&self) -> usize {
        self.pending.len()
    }
}
