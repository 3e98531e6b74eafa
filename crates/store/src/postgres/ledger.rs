//! The cost report over settled calls, which batches write.

use largestack_ports::journal::{CostBy, CostRow};
use largestack_types::money::Money;
use largestack_types::scope::TenantId;
use largestack_types::usage::Usage;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::postgres::fault::is_out_of_range;

const fn key(by: CostBy) -> &'static str {
    match by {
        CostBy::Agent => "agent",
        CostBy::Model => "model",
        CostBy::Day => {
            "to_char(timestamp 'epoch' + (at / 1000000) * interval '1 second', 'YYYY-MM-DD')"
        }
    }
}

/// The report of a tenant, by key.
pub(super) async fn costs(
    connection: &mut PgConnection,
    tenant: &TenantId,
    by: CostBy,
) -> Result<Vec<CostRow>> {
    let key = key(by);
    // Sums are exact and fail where they leave the range of what they are read as.
    let report = format!(
        "SELECT {key} COLLATE \"C\" AS key, count(*) AS calls, sum(input_tokens)::bigint AS input,
             sum(output_tokens)::bigint AS output, sum(cache_read_tokens)::bigint AS cache_read,
             sum(cache_write_tokens)::bigint AS cache_write,
             sum(reasoning_tokens)::bigint AS reasoning, sum(cost)::bigint AS cost,
             count(*) FILTER (WHERE cached) AS cached
         FROM ledger WHERE tenant = $1 GROUP BY 1 ORDER BY 1"
    );
    let rows = sqlx::query(AssertSqlSafe(report)).bind(tenant.as_str()).fetch_all(connection).await;
    let rows =
        rows.map_err(
            |error| {
                if is_out_of_range(&error) { StoreError::MoneyRange } else { error.into() }
            },
        )?;
    rows.iter().map(read).collect()
}

fn count(row: &PgRow, column: &str) -> Result<Option<u64>> {
    let count: Option<i64> = row.try_get(column)?;
    Ok(count.map(|count| u64::try_from(count).unwrap_or(0)))
}

fn read(row: &PgRow) -> Result<CostRow> {
    Ok(CostRow {
        key: row.try_get("key")?,
        calls: count(row, "calls")?.unwrap_or(0),
        usage: Usage {
            input_tokens: count(row, "input")?,
            output_tokens: count(row, "output")?,
            cache_read_tokens: count(row, "cache_read")?,
            cache_write_tokens: count(row, "cache_write")?,
            reasoning_tokens: count(row, "reasoning")?,
            ..Usage::default()
        },
        cost: Money::from_nanos(row.try_get("cost")?),
        cached: count(row, "cached")?.unwrap_or(0),
    })
}
