//! What a provider is asked beside conversations: vectors of texts, and the order of documents.

use std::sync::Arc;

use largestack_ports::embedder::Purpose;
use largestack_ports::reranker::Rank;
use largestack_types::call::{Call, ToolChoice};
use largestack_wire::price::Price;

/// One request beside conversations.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// Vectors.
    Embed { texts: Arc<[Arc<str>]>, purpose: Purpose, dimensions: Option<u32> },
    /// An order.
    Rerank { query: Arc<str>, documents: Arc<[Arc<str>]>, top: Option<u32> },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Found {
    Vectors(Vec<Vec<f32>>),
    Ranks(Vec<Rank>),
}

/// Tokens around a text: what models put before it to say what it is for.
const AROUND: u64 = 64;
/// Tokens of a document beyond which a reranker that is paid by searches counts it as several, and
/// documents that one search has (cohere.com/pricing, docs.cohere.com/docs/rerank).
const CHUNK: u64 = 500;
const PER_SEARCH: u64 = 100;

impl Errand {
    /// The call that stands for it in the layers: it says nothing.
    pub(crate) fn call(model: &Arc<str>) -> Call {
        Call {
            model: model.clone(),
            messages: Arc::default(),
            tools: Arc::new([]),
            tool_choice: ToolChoice::Auto,
            settings: Arc::default(),
            stream: false,
        }
    }

    /// No more tokens than this go in, and no more searches are made: a byte is a token at most.
    /// One of them is 0, by what the provider is paid for.
    pub(crate) fn bounds(&self, price: Option<&Price>) -> (u64, u64) {
        let bytes = |text: &Arc<str>| text.len() as u64;
        match self {
            Self::Embed { texts, .. } => (texts.iter().map(|t| bytes(t) + AROUND).sum(), 0),
            Self::Rerank { query, documents, .. } => {
                let query = bytes(query);
                if price.is_some_and(|price| price.rates().search.is_some()) {
                    let chunks =
                        documents.iter().map(|d| (bytes(d) + query).div_ceil(CHUNK).max(1));
                    (0, chunks.sum::<u64>().div_ceil(PER_SEARCH))
                } else {
                    // Some count the query with every document.
                    (documents.iter().map(|d| bytes(d) + query + AROUND).sum(), 0)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_bounded_by_what_its_provider_is_paid_for() {
        let text = |length: usize| -> Arc<str> { "x".repeat(length).into() };
        let rerank = |documents: Vec<Arc<str>>| Errand::Rerank {
            query: text(10),
            documents: documents.into(),
            top: None,
        };
        let by_search = largestack_wire::price::Book::builtin();
        let at = largestack_types::time::Timestamp::from_micros(1_790_000_000_000_000);
        let cohere = by_search.price("cohere", "rerank-v3.5", at).unwrap();
        let searches = |documents| rerank(documents).bounds(Some(&cohere));
        assert_eq!(searches(vec![text(490); 100]), (0, 1));
        assert_eq!(searches(vec![text(490); 101]), (0, 2));
        assert_eq!(searches(vec![text(491); 100]), (0, 2));
        assert_eq!(rerank(vec![text(5); 2]).bounds(None), (2 * (15 + AROUND), 0));
    }
}
