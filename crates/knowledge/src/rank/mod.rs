//! Ranking by words: BM25 over three fields of a chunk. The score is computed here from term counts alone, so that every index that can
//! name candidates (in memory, SQLite) ranks them alike.

mod memory;
mod query;
mod score;

pub use memory::MemoryDocuments;
pub use query::{MAX_TERMS, Query, Want};
pub use score::{FIELDS, Field, Profile, Statistics, score};
