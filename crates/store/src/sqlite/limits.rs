//! Rate limits that all processes of a store share.

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::limits::{Cell, LimitKey, Limits, Take, Verdict};
use largestack_types::errors::Result as PortResult;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Result;
use crate::sqlite::store::{Store, failed};

fn cell(connection: &Connection, key: &LimitKey) -> rusqlite::Result<Cell> {
    let (kind, measure) = (key.kind.as_str(), key.measure.as_str());
    let earned = connection
        .prepare_cached(
            "SELECT earned FROM rates
             WHERE tenant = ?1 AND kind = ?2 AND name = ?3 AND measure = ?4",
        )?
        .query_row(params![key.tenant.as_str(), kind, &*key.name, measure], |row| row.get(0))
        .optional()?;
    Ok(Cell(earned.unwrap_or_default()))
}

fn save(connection: &Connection, key: &LimitKey, cell: Cell) -> rusqlite::Result<()> {
    let (kind, measure) = (key.kind.as_str(), key.measure.as_str());
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO rates (tenant, kind, name, measure, earned)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key.tenant.as_str(), kind, &*key.name, measure, cell.0])?;
    Ok(())
}

fn take(connection: &Connection, takes: &[Take], now: Timestamp) -> rusqlite::Result<Verdict> {
    let mut before = Vec::with_capacity(takes.len());
    for (at, take) in takes.iter().enumerate() {
        let cell = cell(connection, &take.key)?;
        match cell.take(take.rate, take.units, now) {
            Ok(after) => {
                before.push(cell);
                save(connection, &take.key, after)?;
            }
            Err(wait) => {
                for (take, cell) in takes.iter().zip(before).rev() {
                    save(connection, &take.key, cell)?;
                }
                return Ok(Verdict::Denied { at, wait });
            }
        }
    }
    Ok(Verdict::Granted)
}

fn correct(connection: &Connection, takes: &[(Take, u64)], now: Timestamp) -> rusqlite::Result<()> {
    for (take, used) in takes {
        let corrected = cell(connection, &take.key)?.correct(take.rate, take.units, *used, now);
        save(connection, &take.key, corrected)?;
    }
    Ok(())
}

impl Store {
    fn write_at<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<T>> {
        let path = self.state_path();
        let clock = match self.writing() {
            Ok(writing) => writing.options.clock.clone(),
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        // The moment is that of the transaction: nobody's earlier one comes after it.
        self.write(move |connection| -> Result<T> {
            work(connection, clock.now()).map_err(failed(&path))
        })
    }
}

impl Limits for Store {
    fn take<'a>(&'a self, takes: &'a [Take]) -> BoxFuture<'a, PortResult<Verdict>> {
        let takes = takes.to_vec();
        self.write_at(move |connection, now| take(connection, &takes, now))
    }

    fn correct<'a>(&'a self, takes: &'a [Take], used: &'a [u64]) -> BoxFuture<'a, PortResult<()>> {
        let takes: Vec<_> = takes.iter().cloned().zip(used.iter().copied()).collect();
        self.write_at(move |connection, now| correct(connection, &takes, now))
    }
}
