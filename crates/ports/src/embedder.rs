//! Whoever makes texts into vectors.

use std::sync::Arc;

use largestack_engine::event::CallRecord;
pub use largestack_types::embed::Purpose;
use largestack_types::errors::Result;

use crate::BoxFuture;
use crate::model::CallContext;

/// Texts to be embedded.
#[derive(Clone, Debug)]
pub struct EmbedRequest {
    /// The model, e.g. `openai/text-embedding-3-small`.
    pub model: Arc<str>,
    /// The texts; as many as there are, none of them empty.
    pub texts: Arc<[Arc<str>]>,
    /// What for.
    pub purpose: Purpose,
    /// How long the vectors shall be; the model's own length when absent.
    pub dimensions: Option<u32>,
}

/// Vectors, with what they cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// One for each text, in their order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// Cost, tokens, provider and flags, over all requests that were made.
    pub call: CallRecord,
}

/// Makes texts into vectors. What it costs is reserved and booked in the context's budgets; where
/// it fails, what it cost all the same is left in the context's slot.
pub trait Embedder: Send + Sync + 'static {
    /// The vectors of these texts.
    fn embed<'a>(
        &'a self,
        context: &'a CallContext,
        request: EmbedRequest,
    ) -> BoxFuture<'a, Result<Embeddings>>;
}
