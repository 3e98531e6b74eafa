//! A reranker's order: a model reads the best passages and says how well each answers. What it
//! reads leaves the process, so that it passes the guards first; what it costs is on the run's bill.

use std::sync::Arc;

use largestack_guard::{Guard, Nonce, Policy, Session};
use largestack_ports::documents::Hit;
use largestack_ports::reranker::{Rank, RerankRequest, Reranker};
use largestack_ports::tool::{ToolContext, ToolFailure};
use largestack_types::error::Coded as _;

/// Passages that a reranker reads, the best by their words.
pub(crate) const CANDIDATES: usize = 30;

/// What becomes of a search whose reranker does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Passages stay in the order of their words, and the result says so.
    #[default]
    OwnOrder,
    /// The search fails.
    Fail,
}

/// A reranker, by a model's name, and what it must not read.
#[derive(Clone)]
pub struct Rerank {
    reranker: Arc<dyn Reranker>,
    model: Arc<str>,
    guard: Guard,
    on_failure: OnFailure,
}

impl Rerank {
    /// Asks this model. What the policy takes out of a text stays here, and so does what it would
    /// block.
    pub fn new(reranker: Arc<dyn Reranker>, model: impl Into<Arc<str>>, policy: Policy) -> Self {
        let on_failure = OnFailure::default();
        Self { reranker, model: model.into(), guard: Guard::new(policy), on_failure }
    }

    /// The same with what becomes of a search that it does not answer.
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// Puts the passages in order and keeps the `limit` best. Where that fails and they stay as
    /// they were, what is to be said about it.
    pub(crate) async fn order(
        &self,
        context: &ToolContext,
        query: &str,
        hits: &mut Vec<Hit>,
        limit: usize,
    ) -> Result<Option<String>, ToolFailure> {
        // Nothing to order is nothing to pay for.
        if hits.len() < 2 {
            hits.truncate(limit);
            return Ok(None);
        }
        let request = self.request(query, hits, limit);
        match self.reranker.rerank(&context.asking(&self.model), request).await {
            Ok(ranking) => {
                context.spending.note(&self.model, ranking.call);
                reorder(hits, &ranking.ranks);
                hits.truncate(limit);
                Ok(None)
            }
            Err(error) => {
                let (model, code) = (&self.model, error.code());
                if self.on_failure == OnFailure::Fail {
                    return Err(ToolFailure {
                        message: format!("{model} did not put the passages in order ({code})")
                            .into(),
                        transient: error.retryable(),
                        nothing_happened: true,
                        label: None,
                    });
                }
                hits.truncate(limit);
                Ok(Some(format!(
                    "{model} did not put the hits in order ({code}): they are in the order of \
                     their words"
                )))
            }
        }
    }

    fn request(&self, query: &str, hits: &[Hit], limit: usize) -> RerankRequest {
        // What its placeholders stand for is kept nowhere: nobody asks for it back.
        let mut session = Session::new(Nonce::from_random(0));
        let mut veiled =
            |text: &str| -> Arc<str> { self.guard.protect(text, &mut session).text.into() };
        let documents = hits.iter().map(|hit| {
            let headings = hit.chunk.headings.join(" > ");
            veiled(&format!("{headings}\n{}", hit.chunk.text))
        });
        let documents: Arc<[Arc<str>]> = documents.collect();
        RerankRequest {
            model: Arc::clone(&self.model),
            query: veiled(query),
            documents,
            top: u32::try_from(limit.min(hits.len())).ok(),
        }
    }
}

/// The ranked ones first, with the reranker's scores; the others behind them as they were. Scores
/// of one result compare, so that those get none.
fn reorder(hits: &mut Vec<Hit>, ranks: &[Rank]) {
    let mut all: Vec<Option<Hit>> = hits.drain(..).map(Some).collect();
    let ranked = ranks.iter().filter_map(|rank| {
        let hit = all.get_mut(rank.index)?.take()?;
        Some(Hit { score: rank.score, ..hit })
    });
    hits.extend(ranked);
    hits.extend(all.into_iter().flatten().map(|hit| Hit { score: 0.0, ..hit }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_ports::documents::Chunk;

    fn hit(path: &str) -> Hit {
        let (lines, bytes, text) = ((1, 1), (0, 1), String::new());
        let (headings, terms) = (Vec::new(), String::new());
        let chunk = Chunk { ordinal: 0, headings, lines, bytes, text, terms };
        Hit { path: path.to_owned(), chunk, score: 9.0 }
    }

    #[test]
    fn an_order_that_names_too_few_too_many_or_one_twice_loses_and_invents_nothing() {
        let mut hits = vec![hit("a"), hit("b"), hit("c")];
        let rank = |index, score| Rank { index, score };
        reorder(&mut hits, &[rank(2, 0.9), rank(7, 0.8), rank(2, 0.7), rank(0, 0.5)]);
        let order: Vec<_> = hits.iter().map(|hit| (hit.path.as_str(), hit.score)).collect();
        assert_eq!(order, [("c", 0.9), ("a", 0.5), ("b", 0.0)]);
    }
}
