//! The lexical index: SQLite's FTS5 over the terms of chunks, one table for each collection, so
//! that BM25 counts words of that collection and no other.

use largestack_ports::documents::{Chunk, CorpusStats, Hit};
use rusqlite::{Connection, Row, params};

use crate::error::{Result, StoreError};
use crate::sqlite::rows::integer;

/// Makes the table of a collection. Terms come analysed: the tokeniser splits at white space only
/// (everything but separators and control characters is part of a word).
pub(crate) fn make(connection: &Connection, collection: i64) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE terms_{collection} USING fts5(
             terms, content = '', contentless_delete = 1,
             tokenize = \"unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co'\")"
    ))
}

/// Adds a chunk.
pub(crate) fn insert(
    connection: &Connection,
    collection: i64,
    chunk: i64,
    terms: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!("INSERT INTO terms_{collection} (rowid, terms) VALUES (?1, ?2)"))?
        .execute(params![chunk, terms])?;
    Ok(())
}

/// Takes the chunks of a document out, while they are still in their own table.
pub(crate) fn remove(
    connection: &Connection,
    collection: i64,
    tenant: &str,
    document: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM terms_{collection} WHERE rowid IN
                 (SELECT id FROM chunks WHERE tenant = ?1 AND document = ?2)"
        ))?
        .execute(params![tenant, document])?;
    Ok(())
}

/// A term as FTS5 reads it: a string, whatever is in it.
fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\"").replace('\0', " "))
}

fn any_of(terms: &[String]) -> String {
    let mut quoted: Vec<String> = terms.iter().map(|term| self::quoted(term)).collect();
    quoted.sort_unstable();
    quoted.dedup();
    quoted.join(" OR ")
}

/// The best chunks that hold any of the terms. Equal scores in the order of path and place.
pub(crate) fn search(
    connection: &Connection,
    collection: i64,
    tenant: &str,
    terms: &[String],
    limit: usize,
) -> Result<Vec<Hit>> {
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let sql = |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error);
    let mut select = connection
        .prepare_cached(&format!(
            "SELECT d.path, c.ordinal, c.headings, c.first_line, c.last_line, c.first_byte,
                 c.end_byte, c.text, c.terms, found.score
             FROM (SELECT rowid AS id, -rank AS score FROM terms_{collection}
                   WHERE terms_{collection} MATCH ?1 ORDER BY rank, rowid LIMIT ?2) AS found
             JOIN chunks c ON c.id = found.id AND c.tenant = ?3
             JOIN documents d ON d.id = c.document AND d.tenant = ?3
             ORDER BY found.score DESC, d.path, c.ordinal"
        ))
        .map_err(sql)?;
    let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
    let mut rows = select.query(params![any_of(terms), limit, tenant]).map_err(sql)?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next().map_err(sql)? {
        let headings: String = row.get(2).map_err(sql)?;
        let headings = serde_json::from_str(&headings)
            .map_err(|_| StoreError::Value { what: "list of headings" })?;
        hits.push(read(row, headings).map_err(sql)?);
    }
    Ok(hits)
}

fn read(row: &Row<'_>, headings: Vec<String>) -> rusqlite::Result<Hit> {
    let byte = |column| row.get(column).map(|byte: i64| u64::try_from(byte).unwrap_or(0));
    Ok(Hit {
        path: row.get(0)?,
        chunk: Chunk {
            ordinal: row.get(1)?,
            headings,
            lines: (row.get(3)?, row.get(4)?),
            bytes: (byte(5)?, byte(6)?),
            text: row.get(7)?,
            terms: row.get(8)?,
        },
        score: row.get(9)?,
    })
}

/// How many chunks there are, and in how many each term occurs.
pub(crate) fn stats(
    connection: &Connection,
    collection: i64,
    tenant: &str,
    terms: &[String],
) -> rusqlite::Result<CorpusStats> {
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let chunks = connection
        .prepare_cached(
            "SELECT coalesce(sum(chunks), 0) FROM documents WHERE tenant = ?1 AND collection = ?2",
        )?
        .query_row(params![tenant, collection], |row| row.get(0))
        .map(number)?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT count(*) FROM terms_{collection} WHERE terms_{collection} MATCH ?1"
    ))?;
    let frequencies = terms
        .iter()
        .map(|term| select.query_row([quoted(term)], |row| row.get(0)).map(number))
        .collect::<rusqlite::Result<_>>()?;
    Ok(CorpusStats { chunks, frequencies })
}
