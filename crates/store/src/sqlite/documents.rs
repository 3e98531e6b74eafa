//! The catalogue of documents and their chunks. A file of its own, synced less often: it can be
//! made again from the documents.

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::documents::{Chunk, CorpusStats, DocumentEntry, Documents, Hit};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::sqlite::rows::integer;
use crate::sqlite::search;
use crate::sqlite::store::{Store, failed};

/// The number of a collection, when it is there.
pub(crate) fn collection(
    connection: &Connection,
    tenant: &str,
    name: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM collections WHERE tenant = ?1 AND name = ?2")?
        .query_row([tenant, name], |row| row.get(0))
        .optional()
}

fn make_collection(connection: &Connection, tenant: &str, name: &str) -> rusqlite::Result<i64> {
    if let Some(id) = collection(connection, tenant, name)? {
        return Ok(id);
    }
    connection.execute("INSERT INTO collections (tenant, name) VALUES (?1, ?2)", [tenant, name])?;
    let id = connection.last_insert_rowid();
    search::make(connection, id)?;
    Ok(id)
}

fn catalogue(
    connection: &Connection,
    tenant: &str,
    name: &str,
) -> rusqlite::Result<Vec<DocumentEntry>> {
    let mut select = connection.prepare_cached(
        "SELECT path, d.hash, d.chunks FROM documents d
         JOIN collections c ON c.id = d.collection AND c.tenant = d.tenant
         WHERE d.tenant = ?1 AND c.name = ?2 ORDER BY path",
    )?;
    let entries = select.query_map([tenant, name], |row| {
        let hash: [u8; 32] = row.get(1)?;
        let hash = Hash::parse(&hex::encode(hash)).ok_or_else(|| {
            rusqlite::Error::InvalidColumnType(1, "hash".to_owned(), rusqlite::types::Type::Blob)
        })?;
        Ok(DocumentEntry { path: row.get(0)?, hash, chunks: row.get(2)? })
    })?;
    entries.collect()
}

fn remove(connection: &Connection, tenant: &str, id: i64, path: &str) -> rusqlite::Result<()> {
    let document: Option<i64> = connection
        .prepare_cached(
            "DELETE FROM documents WHERE tenant = ?1 AND collection = ?2 AND path = ?3
             RETURNING id",
        )?
        .query_row(params![tenant, id, path], |row| row.get(0))
        .optional()?;
    let Some(document) = document else { return Ok(()) };
    search::remove(connection, id, tenant, document)?;
    connection
        .prepare_cached("DELETE FROM chunks WHERE tenant = ?1 AND document = ?2")?
        .execute(params![tenant, document])?;
    Ok(())
}

fn put(
    connection: &Connection,
    tenant: &str,
    name: &str,
    entry: &DocumentEntry,
    chunks: &[Chunk],
) -> rusqlite::Result<()> {
    let id = make_collection(connection, tenant, name)?;
    remove(connection, tenant, id, &entry.path)?;
    connection
        .prepare_cached(
            "INSERT INTO documents (tenant, collection, path, hash, chunks)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![tenant, id, entry.path, entry.hash.as_bytes(), entry.chunks])?;
    let document = connection.last_insert_rowid();
    let mut insert = connection.prepare_cached(
        "INSERT INTO chunks (tenant, document, ordinal, headings, first_line, last_line,
             first_byte, end_byte, text, terms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for chunk in chunks {
        let headings = serde_json::to_string(&chunk.headings)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        insert.execute(params![
            tenant,
            document,
            chunk.ordinal,
            headings,
            chunk.lines.0,
            chunk.lines.1,
            integer(chunk.bytes.0),
            integer(chunk.bytes.1),
            chunk.text,
            chunk.terms,
        ])?;
        search::insert(connection, id, connection.last_insert_rowid(), &chunk.terms)?;
    }
    Ok(())
}

fn in_transaction(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<()> {
    let path = connection.path().unwrap_or_default().to_owned();
    let transact = || {
        // Dropped without a commit, it rolls back.
        let transaction = rusqlite::Transaction::new_unchecked(
            connection,
            rusqlite::TransactionBehavior::Immediate,
        )?;
        work(&transaction)?;
        transaction.commit()
    };
    transact().map_err(failed(&path))
}

impl Store {
    fn write_documents(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<()>> {
        match self.writing() {
            Ok(writing) => writing.documents.call(move |connection| {
                let relaxed = connection.execute_batch("PRAGMA synchronous = NORMAL");
                relaxed.map_err(failed(&connection.path().unwrap_or_default()))?;
                in_transaction(connection, work)
            }),
            Err(error) => futures::future::ready(Err(error.into())).boxed(),
        }
    }

    fn read_documents<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<T>> {
        if self.0.documents.file_exists() {
            self.0.documents.call(work)
        } else {
            futures::future::ready(Ok(T::default())).boxed()
        }
    }
}

impl Documents for Store {
    fn catalogue<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
    ) -> BoxFuture<'a, PortResult<Vec<DocumentEntry>>> {
        let (tenant, name) = (scope.tenant().clone(), collection.to_owned());
        self.read_documents(move |connection| {
            catalogue(connection, tenant.as_str(), &name)
                .map_err(failed(&connection.path().unwrap_or_default()))
        })
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        entry: DocumentEntry,
        chunks: Vec<Chunk>,
    ) -> BoxFuture<'a, PortResult<()>> {
        let (tenant, name) = (scope.tenant().clone(), collection.to_owned());
        self.write_documents(move |connection| {
            put(connection, tenant.as_str(), &name, &entry, &chunks)
        })
    }

    fn remove<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, PortResult<()>> {
        let (tenant, path) = (scope.tenant().clone(), path.to_owned());
        let name = collection.to_owned();
        self.write_documents(move |connection| {
            match self::collection(connection, tenant.as_str(), &name)? {
                Some(id) => remove(connection, tenant.as_str(), id, &path),
                None => Ok(()),
            }
        })
    }

    fn search<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<Hit>>> {
        let (tenant, name) = (scope.tenant().clone(), collection.to_owned());
        let terms = terms.to_vec();
        self.read_documents(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let Some(id) =
                self::collection(connection, tenant.as_str(), &name).map_err(failed(&path))?
            else {
                return Ok(Vec::new());
            };
            search::search(connection, id, tenant.as_str(), &terms, limit)
        })
    }

    fn stats<'a>(
        &'a self,
        scope: &'a Scope,
        collection: &'a str,
        terms: &'a [String],
    ) -> BoxFuture<'a, PortResult<CorpusStats>> {
        let (tenant, name) = (scope.tenant().clone(), collection.to_owned());
        let terms = terms.to_vec();
        let wanted = terms.len();
        let stats = self.read_documents(move |connection| {
            let sql =
                |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error);
            match self::collection(connection, tenant.as_str(), &name).map_err(sql)? {
                Some(id) => search::stats(connection, id, tenant.as_str(), &terms).map_err(sql),
                None => Ok(CorpusStats::default()),
            }
        });
        async move {
            let mut stats = stats.await?;
            stats.frequencies.resize(wanted, 0);
            Ok(stats)
        }
        .boxed()
    }
}
