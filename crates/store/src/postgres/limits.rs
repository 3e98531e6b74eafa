//! Rate limits that processes of several machines share. Taking is one statement: a function of the
//! server locks the limits in one order, takes from all of them or from none, and lets go.
//!
//! The moment is the caller's: clocks of machines that are apart grant so much more, once.

use largestack_ports::BoxFuture;
use largestack_ports::limits::{Limits, Take, Verdict};
use largestack_types::errors::{Code, LargestackError, Result as PortResult};
use largestack_types::scope::TenantId;
use std::time::Duration;

use crate::error::Result;
use crate::postgres::server::PostgresStore;

/// The limits of a call, as columns.
struct Columns<'t> {
    tenant: &'t TenantId,
    kinds: Vec<&'static str>,
    names: Vec<&'t str>,
    measures: Vec<&'static str>,
}

fn columns(takes: &[Take]) -> Result<Option<Columns<'_>>> {
    let Some(first) = takes.first() else { return Ok(None) };
    let tenant = &first.key.tenant;
    if takes.iter().any(|take| take.key.tenant != *tenant) {
        let detail = "the limits of a call are of one tenant";
        return Err(LargestackError::other(Code::RateLimit, detail).into());
    }
    Ok(Some(Columns {
        tenant,
        kinds: takes.iter().map(|take| take.key.kind.as_str()).collect(),
        names: takes.iter().map(|take| &*take.key.name).collect(),
        measures: takes.iter().map(|take| take.key.measure.as_str()).collect(),
    }))
}

impl PostgresStore {
    fn nanos(&self) -> i64 {
        self.clock.now().micros().saturating_mul(1_000)
    }

    async fn try_take(&self, takes: &[Take]) -> Result<Verdict> {
        let Some(columns) = columns(takes)? else { return Ok(Verdict::Granted) };
        if let Some(at) = takes.iter().position(|take| take.units > take.rate.burst) {
            return Ok(Verdict::Denied { at, wait: None });
        }
        let costs: Vec<i64> = takes.iter().map(|t| t.rate.earned_in(t.units, true)).collect();
        let bursts: Vec<i64> = takes.iter().map(|t| t.rate.earned_in(t.rate.burst, true)).collect();
        let take = "SELECT denied, wait FROM take_rates($1, $2, $3, $4, $5, $6, $7)";
        let (denied, wait): (i32, i64) = sqlx::query_as(take)
            .bind(columns.tenant.as_str())
            .bind(columns.kinds)
            .bind(columns.names)
            .bind(columns.measures)
            .bind(costs)
            .bind(bursts)
            .bind(self.nanos())
            .fetch_one(&self.pool)
            .await?;
        Ok(match usize::try_from(denied).ok().and_then(|place| place.checked_sub(1)) {
            None => Verdict::Granted,
            Some(at) => {
                let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or_default());
                Verdict::Denied { at, wait: Some(wait) }
            }
        })
    }

    async fn try_correct(&self, takes: &[Take], used: &[u64]) -> Result<()> {
        let Some(columns) = columns(takes)? else { return Ok(()) };
        let changes: Vec<i64> = takes
            .iter()
            .zip(used)
            .map(|(take, used)| take.rate.correction(take.units, *used))
            .collect();
        sqlx::query("SELECT correct_rates($1, $2, $3, $4, $5, $6)")
            .bind(columns.tenant.as_str())
            .bind(columns.kinds)
            .bind(columns.names)
            .bind(columns.measures)
            .bind(changes)
            .bind(self.nanos())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Limits for PostgresStore {
    fn take<'a>(&'a self, takes: &'a [Take]) -> BoxFuture<'a, PortResult<Verdict>> {
        self.inside(self.try_take(takes))
    }

    fn correct<'a>(&'a self, takes: &'a [Take], used: &'a [u64]) -> BoxFuture<'a, PortResult<()>> {
        self.inside(self.try_correct(takes, used))
    }
}
