//! Whoever puts documents in order of how well they answer a query.

use std::sync::Arc;

use largestack_engine::event::CallRecord;
use largestack_types::errors::Result;

use crate::BoxFuture;
use crate::model::CallContext;

/// Documents to be put in order.
#[derive(Clone, Debug)]
pub struct RerankRequest {
    /// The model, e.g. `cohere/rerank-v3.5`.
    pub model: Arc<str>,
    /// What is asked.
    pub query: Arc<str>,
    /// What may answer it.
    pub documents: Arc<[Arc<str>]>,
    /// How many of the best are wanted; all when absent.
    pub top: Option<u32>,
}

/// A document's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// The document's place in the request, from 0.
    pub index: usize,
    /// How well it answers, by the provider's own measure; more is better.
    pub score: f64,
}

/// An order, with what it cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The best documents, the best first.
    pub ranks: Vec<Rank>,
    /// Cost, tokens, provider and flags.
    pub call: CallRecord,
}

/// Puts documents in order. What it costs is reserved and booked in the context's budgets; where
/// it fails, what it cost all the same is left in the context's slot.
pub trait Reranker: Send + Sync + 'static {
    /// The order of these documents.
    fn rerank<'a>(
        &'a self,
        context: &'a CallContext,
        request: RerankRequest,
    ) -> BoxFuture<'a, Result<Ranking>>;
}
