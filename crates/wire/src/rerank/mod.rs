//! Documents are put in order of how well they answer a query: the protocols of rerankers. A reply
//! that names a document twice, or one that was not sent, or too few, is an error.

mod cohere;
mod listed;

use std::fmt;
use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;

pub use cohere::CohereRerank;
pub use listed::Reranker;

use crate::embed::malformed;
use crate::error::{DecodeError, EncodeError};
use crate::model::Target;
use crate::wire::HttpRequest;

/// One request for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RerankCall<'a> {
    /// What is asked.
    pub query: &'a str,
    /// What may answer it, at most [`RerankWire::most_documents`].
    pub documents: &'a [&'a str],
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

/// The best documents, the best first; equals in the order of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reranked {
    /// The documents.
    pub ranks: Vec<Rank>,
    /// Tokens, where the provider counts them: as input.
    pub usage: Usage,
    /// Searches, where the provider is paid by them.
    pub searches: Option<u64>,
    /// The provider's usage object, untouched.
    pub raw_usage: Option<Json>,
    /// The model, as the provider names it.
    pub model: Option<Arc<str>>,
}

/// A protocol of rerankers. Pure, as [`crate::Wire`] is.
pub trait RerankWire: fmt::Debug + Send + Sync {
    /// The name that provider rows use under `rerank`.
    fn name(&self) -> &'static str;

    /// The most documents that one request takes.
    fn most_documents(&self) -> usize;

    /// The request, without credentials.
    fn encode(&self, call: &RerankCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError>;

    /// The order of a reply to this call.
    fn decode(&self, call: &RerankCall<'_>, body: &[u8]) -> Result<Reranked, DecodeError>;

    /// The error that a refused request means. Header names are compared without case.
    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError;
}

/// The wire with this name.
pub fn rerank_wire(name: &str) -> Option<&'static dyn RerankWire> {
    RERANK_WIRES.iter().copied().find(|wire| wire.name() == name)
}

/// Every wire, for tables and tests.
pub const RERANK_WIRES: &[&dyn RerankWire] = &[&CohereRerank, &Reranker::VOYAGE, &Reranker::JINA];

impl Target {
    /// The protocol in which it is asked to order documents.
    pub fn rerank_wire(&self) -> Result<&'static dyn RerankWire, EncodeError> {
        let Some(name) = &self.provider.rerank else { return Err(self.without("reranking")) };
        rerank_wire(name).ok_or_else(|| self.without(format!("reranking over the wire `{name}`")))
    }
}

/// A document's number and score, as a reply has them.
type Scored = (Option<u64>, Option<f64>);

/// Checks a call before anything is sent.
fn check(call: &RerankCall<'_>, most: usize, target: &Target) -> Result<(), EncodeError> {
    if call.documents.is_empty() || call.documents.len() > most {
        return Err(target.without("as many documents in one request"));
    }
    if call.top == Some(0) {
        return Err(target.without("a request for no documents"));
    }
    Ok(())
}

/// The ranks in order, if each is of a document that was sent, and none is missing or twice there.
fn ranked(call: &RerankCall<'_>, found: &[Scored]) -> Result<Vec<Rank>, DecodeError> {
    let wanted = call.top.map_or(usize::MAX, |top| top as usize).min(call.documents.len());
    if found.len() != wanted {
        return Err(malformed(format!("{} results where {wanted} were asked for", found.len())));
    }
    let mut seen = vec![false; call.documents.len()];
    let mut ranks = Vec::with_capacity(found.len());
    for (index, score) in found {
        let place = index.and_then(|index| usize::try_from(index).ok());
        let (Some(index), Some(score)) = (place, score.filter(|score| score.is_finite())) else {
            return Err(malformed("a result without its document's number or a finite score"));
        };
        match seen.get_mut(index) {
            Some(seen @ false) => *seen = true,
            Some(_) => return Err(malformed(format!("document {index} stands there twice"))),
            None => return Err(malformed(format!("document {index}, which was not sent"))),
        }
        ranks.push(Rank { index, score });
    }
    ranks.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    Ok(ranks)
}
