//! Knowledge: the catalogue of ingested documents and the lexical index over their chunks.

use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;

/// A document of a collection, as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentEntry {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Hash of its bytes: unchanged means nothing to do.
    pub hash: Hash,
    /// Chunks it was cut into.
    pub chunks: u32,
}

/// A chunk of a document, ready to be indexed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Place in its document, from 0.
    pub ordinal: u32,
    /// Headings above it, outermost first.
    pub headings: Vec<String>,
    /// First and last line, 1-based, inclusive.
    pub lines: (u32, u32),
    /// First byte and the one after the last.
    pub bytes: (u64, u64),
    /// The words as they stand in the document.
    pub text: String,
    /// Title, headings and text as terms of the analyser, separated by spaces: what the index
    /// matches on.
    pub terms: String,
}

/// A chunk found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The document's path.
    pub path: String,
    /// The chunk.
    pub chunk: Chunk,
    /// Higher is better; comparable within one search only.
    pub score: f64,
}

/// Corpus figures that ranking needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorpusStats {
    /// Chunks in the collection.
    pub chunks: u64,
    /// For each term asked about, in how many chunks it occurs.
    pub frequencies: Vec<u64>,
}

/// The catalogue and lexical index of document collections. A collection belongs to one tenant;
/// its name is the agent's or project's.
pub trait Documents: Send + Sync + 'static {
    /// What the collection holds.
    fn catalogue<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
    ) -> BoxFuture<'a, Result<Vec<DocumentEntry>>>;

    /// Puts a document and its chunks in place of whatever had its path. All or nothing.
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        entry: DocumentEntry,
        chunks: Vec<Chunk>,
    ) -> BoxFuture<'a, Result<()>>;

    /// Takes a document out.
    fn remove<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<()>>;

    /// The best chunks that hold any of the terms (already analysed), by BM25 over `terms`.
    fn search<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hit>>>;

    /// Corpus figures for these terms.
    fn stats<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
    ) -> BoxFuture<'a, Result<CorpusStats>>;
}
