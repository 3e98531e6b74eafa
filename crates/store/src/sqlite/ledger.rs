//! Settled calls, and the cost report over them.

use largestack_ports::journal::{CostBy, CostRow, LedgerLine};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use rusqlite::{Connection, Row, params};

use crate::error::{Result, StoreError};
use crate::sqlite::rows::integer;

/// Inserts lines of a run.
pub(crate) fn insert(
    connection: &Connection,
    tenant: &str,
    run: RunId,
    lines: &[LedgerLine],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO ledger (tenant, at, run, seq, root, agent, model, input_tokens,
             output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost,
             cached)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    for line in lines {
        insert.execute(params![
            tenant,
            line.at.micros(),
            run.as_bytes(),
            integer(line.seq),
            line.root.as_bytes(),
            &*line.agent,
            &*line.model,
            line.usage.input_tokens.map(integer),
            line.usage.output_tokens.map(integer),
            line.usage.cache_read_tokens.map(integer),
            line.usage.cache_write_tokens.map(integer),
            line.usage.reasoning_tokens.map(integer),
            line.cost.nanos(),
            line.cached,
        ])?;
    }
    Ok(())
}

const fn key(by: CostBy) -> &'static str {
    match by {
        CostBy::Agent => "agent",
        CostBy::Model => "model",
        CostBy::Day => "date(at / 1000000, 'unixepoch')",
    }
}

/// The report of a tenant, by key.
pub(crate) fn costs(connection: &Connection, tenant: &str, by: CostBy) -> Result<Vec<CostRow>> {
    // A file that is only read is not brought up to date.
    let known = "SELECT count(*) FROM pragma_table_info('ledger') WHERE name = 'cached'";
    let known: i64 = connection
        .query_row(known, [], |row| row.get(0))
        .map_err(|error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error))?;
    let cached = if known > 0 { "sum(cached)" } else { "0" };
    // Tokens are added in whole numbers as well: `sum` fails where they leave the range.
    let report = format!(
        "SELECT {}, count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
             sum(cache_write_tokens), sum(reasoning_tokens), sum(cost), {cached}
         FROM ledger WHERE tenant = ?1 GROUP BY 1 ORDER BY 1",
        key(by)
    );
    let rows = connection.prepare_cached(&report).and_then(|mut statement| {
        statement.query_map([tenant], read)?.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.map_err(|error| match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) if text == "integer overflow" => {
            StoreError::MoneyRange
        }
        error => StoreError::sql(connection.path().unwrap_or_default().as_ref(), error),
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|count| u64::try_from(count).unwrap_or(0)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<CostRow> {
    Ok(CostRow {
        key: row.get(0)?,
        calls: count(row, 1)?.unwrap_or(0),
        usage: Usage {
            input_tokens: count(row, 2)?,
            output_tokens: count(row, 3)?,
            cache_read_tokens: count(row, 4)?,
            cache_write_tokens: count(row, 5)?,
            reasoning_tokens: count(row, 6)?,
            ..Usage::default()
        },
        cost: Money::from_nanos(row.get(7)?),
        cached: count(row, 8)?.unwrap_or(0),
    })
}
