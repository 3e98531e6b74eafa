//! Bringing a collection up to date with a folder: new and changed documents are cut and indexed, unchanged ones are left alone, those
//! that are gone are taken out. The files come from the caller; this crate reads none.

use largestack_ports::documents::{Chunk, DocumentEntry, Documents};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;

use crate::analysis::terms;
use crate::{chunk, load};

/// The version of cutting and analysis. It is part of a document's hash, so that a new one indexes everything anew.
const VERSION: &[u8] = b"chunks 1, terms 1";

/// A file as the caller read it.
#[derive(Debug, Clone)]
pub struct File {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Its bytes, or why they could not be read.
    pub bytes: Result<Vec<u8>>,
}

/// What happened to one document.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It was new or changed and is indexed now.
    Ingested {
        /// Its path.
        path: String,
        /// Chunks it was cut into.
        chunks: u32,
    },
    /// It was indexed already.
    Unchanged {
        /// Its path.
        path: String,
    },
    /// It is no longer there and was taken out.
    Removed {
        /// Its path.
        path: String,
    },
    /// It cannot be indexed; the others go on.
    Refused(Problem),
}

/// A document that cannot be indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Its path.
    pub path: String,
    /// Why, with a code.
    pub error: LargestackError,
}

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Documents indexed anew.
    pub ingested: u32,
    /// Documents left alone.
    pub unchanged: u32,
    /// Documents taken out.
    pub removed: u32,
    /// Chunks in the collection afterwards.
    pub chunks: u64,
    /// Documents that could not be indexed.
    pub problems: Vec<Problem>,
}

/// Brings `collection` up to date with `files`, which are taken one after the other and need not all be in memory. A document that cannot
/// be read keeps what is indexed of it; one that is no text any more is taken out. Fails only when the index does.
pub async fn ingest(
    documents: &dyn Documents,
    scope: &Scope,
    collection: &str,
    files: impl IntoIterator<Item = File>,
    mut progress: impl FnMut(&Progress),
) -> Result<Summary> {
    let mut known: std::collections::BTreeMap<String, DocumentEntry> = documents
        .catalogue(scope, collection)
        .await?
        .into_iter()
        .map(|entry| (entry.path.clone(), entry))
        .collect();
    let mut summary = Summary::default();
    for file in files {
        let before = known.get(&file.path).cloned();
        let step = match file.bytes {
            Err(error) => {
                known.remove(&file.path);
                summary.chunks += before.map_or(0, |entry| u64::from(entry.chunks));
                Progress::Refused(Problem { path: file.path, error })
            }
            Ok(bytes) => match read(&file.path, &bytes) {
                // Stays in `known` and is taken out below.
                Err(error) => Progress::Refused(Problem {
                    path: file.path,
                    error: LargestackError::from_coded(&error),
                }),
                Ok((entry, _))
                    if before.as_ref().is_some_and(|before| before.hash == entry.hash) =>
                {
                    known.remove(&file.path);
                    summary.chunks += before.map_or(0, |entry| u64::from(entry.chunks));
                    Progress::Unchanged { path: file.path }
                }
                Ok((mut entry, text)) => {
                    let chunks = cut(&file.path, text);
                    entry.chunks = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
                    let count = entry.chunks;
                    documents.put(scope, collection, entry, chunks).await?;
                    known.remove(&file.path);
                    summary.chunks += u64::from(count);
                    Progress::Ingested { path: file.path, chunks: count }
                }
            },
        };
        summary.note(&step);
        progress(&step);
    }
    for path in known.into_keys() {
        documents.remove(scope, collection, &path).await?;
        let step = Progress::Removed { path };
        summary.note(&step);
        progress(&step);
    }
    Ok(summary)
}

impl Summary {
    fn note(&mut self, step: &Progress) {
        match step {
            Progress::Ingested { .. } => self.ingested += 1,
            Progress::Unchanged { .. } => self.unchanged += 1,
            Progress::Removed { .. } => self.removed += 1,
            Progress::Refused(problem) => self.problems.push(problem.clone()),
        }
    }
}

fn read<'a>(path: &str, bytes: &'a [u8]) -> Result<(DocumentEntry, &'a str), crate::Error> {
    let text = load::text(path, bytes)?;
    Ok((
        DocumentEntry { path: path.to_owned(), hash: Hash::of_all([VERSION, bytes]), chunks: 0 },
        text,
    ))
}

/// The chunks of a document as the index takes them. The title stands first among the headings unless it is one of them.
pub fn cut(path: &str, text: &str) -> Vec<Chunk> {
    let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let name = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    chunk::chunks(path, text)
        .into_iter()
        .map(|chunk| {
            let mut headings = chunk.headings;
            if !headings.contains(&chunk.title) {
                headings.insert(0, chunk.title);
            }
            let indexed = terms(&format!("{}\n{name}\n{}", headings.join("\n"), chunk.text));
            Chunk {
                ordinal: chunk.ordinal,
                headings,
                lines: chunk.lines,
                bytes: (whole(chunk.bytes.start), whole(chunk.bytes.end)),
                text: chunk.text,
                terms: indexed.join(" "),
            }
        })
        .collect()
}
