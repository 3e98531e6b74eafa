//! Retrieval: from a question to the best passages of a collection. The index names candidates; the order is made here, so that it is
//! the same whatever the index is.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_ports::documents::{Documents, Hit};
use largestack_types::errors::Result;
use largestack_types::scope::Scope;

use crate::rank::{Profile, Query, Statistics, score};

/// A collection of documents that can be searched.
#[derive(Clone)]
pub struct Knowledge {
    documents: Arc<dyn Documents>,
    collection: Arc<str>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The best chunks, best first, with our score.
    pub hits: Vec<Hit>,
    /// Chunks in the collection.
    pub passages: u32,
    /// For each asked word, folded, in how many chunks it occurs in any form.
    pub terms: BTreeMap<String, u32>,
}

/// Candidates taken from the index for each of the two ways of asking it.
const CANDIDATES: usize = 60;

impl Knowledge {
    /// The collection of this name in these documents.
    pub fn new(documents: Arc<dyn Documents>, collection: impl Into<Arc<str>>) -> Self {
        Self { documents, collection: collection.into() }
    }

    /// The `limit` best passages for a question. The asked words and their synonyms are looked for apart, so that a frequent synonym
    /// cannot crowd out a rare word.
    pub async fn search(&self, scope: &Scope, question: &str, limit: usize) -> Result<Found> {
        let query = Query::parse(question);
        if query.is_empty() {
            return Ok(Found::default());
        }
        let asked: Vec<String> = query.asked.iter().map(|(_, stem)| stem.clone()).collect();
        let stems = query.stems();
        let others: Vec<String> =
            stems.iter().filter(|stem| !asked.contains(stem)).cloned().collect();
        let stats = self.documents.stats(scope, &self.collection, &stems).await?;
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let frequencies: BTreeMap<String, u32> =
            stems.into_iter().zip(stats.frequencies.into_iter().map(count)).collect();
        let terms = query
            .asked
            .iter()
            .map(|(word, stem)| (word.clone(), frequencies.get(stem).copied().unwrap_or(0)))
            .collect();
        let statistics = Statistics { chunks: count(stats.chunks), frequencies };
        let mut hits = self.documents.search(scope, &self.collection, &asked, CANDIDATES).await?;
        if !others.is_empty() {
            for hit in self.documents.search(scope, &self.collection, &others, CANDIDATES).await? {
                if !hits
                    .iter()
                    .any(|known| known.path == hit.path && known.chunk.ordinal == hit.chunk.ordinal)
                {
                    hits.push(hit);
                }
            }
        }
        for hit in &mut hits {
            hit.score = score(
                &query,
                &Profile::of(&hit.path, &hit.chunk.headings, &hit.chunk.text),
                &statistics,
            );
        }
        hits.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| (&a.path, a.chunk.ordinal).cmp(&(&b.path, b.chunk.ordinal)))
        });
        hits.truncate(limit);
        Ok(Found { hits, passages: statistics.chunks, terms })
    }
}
