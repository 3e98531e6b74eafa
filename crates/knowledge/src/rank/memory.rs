//! Documents in memory: the library's default and the reference that any other index must agree with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use largestack_ports::BoxFuture;
use largestack_ports::documents::{Chunk, CorpusStats, DocumentEntry, Documents, Hit};
use largestack_types::errors::Result;
use largestack_types::scope::Scope;

/// Tenant, collection, path.
type Key = (String, String, String);

/// A catalogue and index that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryDocuments {
    documents: Mutex<BTreeMap<Key, (DocumentEntry, Vec<Chunk>)>>,
}

impl MemoryDocuments {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, (DocumentEntry, Vec<Chunk>)>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        scope: &Scope,
        collection: &str,
        read: impl FnOnce(&[&(DocumentEntry, Vec<Chunk>)]) -> T,
    ) -> T {
        let documents = self.lock();
        let (tenant, first) = (
            scope.tenant().as_str(),
            (scope.tenant().to_string(), collection.to_owned(), String::new()),
        );
        let mine: Vec<_> = documents
            .range(first..)
            .take_while(|((t, c, _), _)| t == tenant && c == collection)
            .map(|(_, document)| document)
            .collect();
        read(&mine)
    }
}

fn key(scope: &Scope, collection: &str, path: &str) -> Key {
    (scope.tenant().to_string(), collection.to_owned(), path.to_owned())
}

fn frequency(documents: &[&(DocumentEntry, Vec<Chunk>)], term: &str) -> u64 {
    let chunks = documents.iter().flat_map(|(_, chunks)| chunks);
    chunks
        .filter(|chunk| chunk.terms.split(' ').any(|word| word == term))
        .fold(0, |count, _| count + 1)
}

fn size(documents: &[&(DocumentEntry, Vec<Chunk>)]) -> u64 {
    documents.iter().fold(0, |sum, (entry, _)| sum + u64::from(entry.chunks))
}

/// BM25 of a chunk's terms with k1 1.2 and b 0.75.
fn bm25(chunk: &Chunk, idf: &[(&String, f64)], mean: f64) -> f64 {
    let words: Vec<&str> = chunk.terms.split(' ').collect();
    let length = crate::analysis::real(words.len()) / mean;
    let gain = |(term, idf): &(&String, f64)| {
        let count = crate::analysis::real(words.iter().filter(|word| *word == term).count());
        idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length))
    };
    idf.iter().map(gain).sum()
}

fn rank(documents: &[&(DocumentEntry, Vec<Chunk>)], terms: &[String], limit: usize) -> Vec<Hit> {
    let real = |count: u64| crate::analysis::real(usize::try_from(count).unwrap_or(usize::MAX));
    let all = real(size(documents));
    let idf: Vec<(&String, f64)> = terms
        .iter()
        .map(|term| {
            let found = real(frequency(documents, term));
            (term, (1.0 + (all - found + 0.5) / (found + 0.5)).ln())
        })
        .collect();
    let words = documents
        .iter()
        .flat_map(|(_, chunks)| chunks)
        .map(|chunk| chunk.terms.split(' ').count())
        .sum();
    let mean = (crate::analysis::real(words) / all.max(1.0)).max(1.0);
    let mut hits: Vec<Hit> = documents
        .iter()
        .flat_map(|(entry, chunks)| chunks.iter().map(move |chunk| (entry, chunk)))
        .map(|(entry, chunk)| (entry, chunk, bm25(chunk, &idf, mean)))
        .filter(|(_, _, score)| *score > 0.0)
        .map(|(entry, chunk, score)| Hit { path: entry.path.clone(), chunk: chunk.clone(), score })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (&a.path, a.chunk.ordinal).cmp(&(&b.path, b.chunk.ordinal)))
    });
    hits.truncate(limit);
    hits
}

fn now<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Documents for MemoryDocuments {
    fn catalogue<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
    ) -> BoxFuture<'a, Result<Vec<DocumentEntry>>> {
        now(self.with(scope, collection, |documents| {
            documents.iter().map(|(entry, _)| entry.clone()).collect()
        }))
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        entry: DocumentEntry,
        chunks: Vec<Chunk>,
    ) -> BoxFuture<'a, Result<()>> {
        self.lock().insert(key(scope, collection, &entry.path), (entry, chunks));
        now(())
    }

    fn remove<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        self.lock().remove(&key(scope, collection, path));
        now(())
    }

    fn search<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hit>>> {
        now(self.with(scope, collection, |documents| rank(documents, terms, limit)))
    }

    fn stats<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
    ) -> BoxFuture<'a, Result<CorpusStats>> {
        now(self.with(scope, collection, |documents| CorpusStats {
            chunks: size(documents),
            frequencies: terms.iter().map(|term| frequency(documents, term)).collect(),
        }))
    }
}
