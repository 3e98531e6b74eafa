//! Knowledge: documents become chunks, chunks are ranked, and the best sentences answer with citations; with the tool
//! `search_knowledge` and the model `offline/extractive` on top. Deliberately no files, no database and no network: files come from the
//! caller, the index is the port [`Documents`](largestack_ports::documents::Documents). No embeddings; a reranking model only
//! where one is given; documents are markdown and plain text.
//!
//! ```
//! use largestack_knowledge::answer::{Corpus, Passage, Weights, compose, find};
//!
//! let passage = Passage {
//!     path: "returns.md".into(),
//!     lines: (3, 3),
//!     text: "You may return any item within 30 days of delivery.".into(),
//!     ..Passage::default()
//! };
//! let found = find("How long do I have to return an item?", &[passage], &Corpus::default(), &Weights::default());
//! assert_eq!(compose(&found).text, "You may return any item within 30 days of delivery. [1]");
//! ```

pub mod analysis;
pub mod answer;
pub mod chunk;
pub mod error;
pub mod ingest;
pub mod load;
pub mod model;
pub mod rank;
pub mod rerank;
pub mod retrieve;
pub mod tool;

pub use error::Error;
pub use ingest::{File, Problem, Progress, Summary, ingest};
pub use model::Extractive;
pub use rank::MemoryDocuments;
pub use rerank::Rerank;
pub use retrieve::Knowledge;
pub use tool::SearchKnowledge;
