//! Rows of runs on their way into the tables: made by the appender, inserted by the writer, all that
//! one tenant's runs have queued by one call of a function of the server.

use bytes::Bytes;
use largestack_engine::event::VERSION;
use largestack_ports::journal::{Batch, LedgerLine, RunSummary};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use serde::Serialize;
use sqlx::PgConnection;

use crate::error::{Result, StoreError};
use crate::facts::{self, FactRow, integer};
use crate::postgres::queue::Group;
use crate::postgres::sessions::rows as sessions;
use crate::talk::Said;

/// What one append writes.
pub(super) struct Rows {
    pub(super) tenant: TenantId,
    pub(super) run: RunId,
    pub(super) fence: u64,
    facts: Vec<FactRow>,
    lines: Vec<Line>,
    blobs: Vec<(Hash, Bytes)>,
    summary: Option<SummaryRow>,
    said: Option<Box<Said>>,
}

struct SummaryRow {
    status: &'static str,
    data: String,
}

/// A settled call, as the server's function reads it.
#[derive(Serialize)]
struct Line {
    at: i64,
    run: String,
    seq: u64,
    root: String,
    agent: std::sync::Arc<str>,
    model: std::sync::Arc<str>,
    input: Option<i64>,
    output: Option<i64>,
    cache_read: Option<i64>,
    cache_write: Option<i64>,
    reasoning: Option<i64>,
    cost: i64,
    cached: bool,
}

impl Line {
    fn of(run: RunId, line: LedgerLine) -> Self {
        let usage = line.usage;
        Self {
            at: line.at.micros(),
            run: hex::encode(run.as_bytes()),
            seq: line.seq,
            root: hex::encode(line.root.as_bytes()),
            agent: line.agent,
            model: line.model,
            input: usage.input_tokens.map(integer),
            output: usage.output_tokens.map(integer),
            cache_read: usage.cache_read_tokens.map(integer),
            cache_write: usage.cache_write_tokens.map(integer),
            reasoning: usage.reasoning_tokens.map(integer),
            cost: line.cost.nanos(),
            cached: line.cached,
        }
    }
}

fn summary(summary: &RunSummary) -> Result<SummaryRow> {
    let data = serde_json::to_string(summary)
        .map_err(|source| StoreError::Unwritable { what: "run summary", source })?;
    Ok(SummaryRow { status: summary.status.name(), data })
}

impl Rows {
    /// Writes what is JSON, on the appender's thread.
    pub(super) fn of(
        tenant: &TenantId,
        run: RunId,
        fence: u64,
        (batch, said): (Batch, Option<Said>),
    ) -> Result<Self> {
        Ok(Self {
            tenant: tenant.clone(),
            run,
            fence,
            facts: facts::rows(&batch.events)?,
            lines: batch.ledger.into_iter().map(|line| Line::of(run, line)).collect(),
            blobs: batch.blobs,
            summary: batch.summary.as_ref().map(summary).transpose()?,
            said: said.map(Box::new),
        })
    }
}

/// What a tenant's runs have queued, as columns.
#[derive(Default)]
struct Columns<'r> {
    held: Vec<&'r [u8]>,
    fences: Vec<i64>,
    runs: Vec<&'r [u8]>,
    seqs: Vec<i64>,
    ats: Vec<i64>,
    kinds: Vec<&'r str>,
    datas: Vec<&'r str>,
    lines: Vec<&'r Line>,
    summary_runs: Vec<&'r [u8]>,
    statuses: Vec<&'r str>,
    summaries: Vec<&'r str>,
    hashes: Vec<&'r [u8]>,
    bytes: Vec<&'r [u8]>,
}

impl<'r> Columns<'r> {
    fn add(&mut self, rows: &'r Rows) {
        let run = rows.run.as_bytes().as_slice();
        if self.held.last() != Some(&run) {
            self.held.push(run);
            self.fences.push(integer(rows.fence));
        }
        for fact in &rows.facts {
            self.runs.push(run);
            self.seqs.push(integer(fact.seq));
            self.ats.push(fact.at);
            self.kinds.push(fact.kind);
            self.datas.push(&fact.data);
        }
        self.lines.extend(&rows.lines);
        if let Some(summary) = &rows.summary {
            // Only a run's last line is worth writing.
            if let Some(at) = self.summary_runs.iter().position(|known| *known == run) {
                self.summary_runs.remove(at);
                self.statuses.remove(at);
                self.summaries.remove(at);
            }
            self.summary_runs.push(run);
            self.statuses.push(summary.status);
            self.summaries.push(&summary.data);
        }
        for (hash, bytes) in &rows.blobs {
            self.hashes.push(hash.as_bytes());
            self.bytes.push(bytes);
        }
    }

    async fn write(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        process: OwnerId,
    ) -> Result<()> {
        let lines = if self.lines.is_empty() {
            None
        } else {
            let lines = serde_json::to_string(&self.lines);
            Some(lines.map_err(|source| StoreError::Unwritable { what: "ledger", source })?)
        };
        sqlx::query(
            "SELECT append_rows($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::json, $12, $13, $14,
                 $15, $16)",
        )
        .bind(tenant.as_str())
        .bind(process.as_bytes().as_slice())
        .bind(&self.held)
        .bind(&self.fences)
        .bind(&self.runs)
        .bind(&self.seqs)
        .bind(i32::from(VERSION))
        .bind(&self.ats)
        .bind(&self.kinds)
        .bind(&self.datas)
        .bind(lines)
        .bind(&self.summary_runs)
        .bind(&self.statuses)
        .bind(&self.summaries)
        .bind(&self.hashes)
        .bind(&self.bytes)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Writes the rows of one tenant; how many facts there were.
pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    rows: &[&Rows],
    process: OwnerId,
) -> Result<u64> {
    let mut columns = Columns::default();
    for row in rows {
        columns.add(row);
    }
    columns.write(connection, tenant, process).await?;
    for said in rows.iter().filter_map(|row| row.said.as_deref()) {
        sessions::remember(connection, said).await?;
    }
    Ok(columns.seqs.len() as u64)
}

/// Gives runs of one tenant back.
pub(super) async fn release(
    connection: &mut PgConnection,
    tenant: &TenantId,
    group: &Group,
) -> Result<()> {
    let of_tenant = || group.releases.iter().filter(|release| release.tenant == *tenant);
    let runs: Vec<&[u8]> = of_tenant().map(|release| release.run.as_bytes().as_slice()).collect();
    if runs.is_empty() {
        return Ok(());
    }
    let fences: Vec<i64> = of_tenant().map(|release| integer(release.fence)).collect();
    sqlx::query("SELECT release_runs($1, $2, $3, $4)")
        .bind(tenant.as_str())
        .bind(runs)
        .bind(fences)
        .bind(group.rows.is_empty())
        .execute(connection)
        .await?;
    Ok(())
}

impl Group {
    /// The tenants of what is queued, in the order in which all transactions take them.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        let rows = self.rows.iter().map(|rows| &rows.tenant);
        let mut tenants: Vec<TenantId> =
            rows.chain(self.releases.iter().map(|release| &release.tenant)).cloned().collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants
    }

    /// Whether all of it is one statement, which is a transaction by itself.
    pub(super) fn is_one_statement(&self, tenants: &[TenantId]) -> bool {
        let said = || self.rows.iter().any(|rows| rows.said.is_some());
        tenants.len() == 1 && (self.rows.is_empty() || (self.releases.is_empty() && !said()))
    }
}
