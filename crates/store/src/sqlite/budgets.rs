//! Budgets that all processes of a store share. Each call is a transaction of the one writer, and
//! so durable when it returns; a process's reservations are its own for as long as it holds its
//! lock file.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use largestack_ports::BoxFuture;
use largestack_ports::ledger::{
    Account, BudgetKey, BudgetLimits, Expired, Ledger, LimitedScopes, Reservation,
};
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::ledger_of;
use crate::reservations::Kept;
use crate::sqlite::owners;
use crate::sqlite::store::Store;

mod rows;

/// Changes the account of a key, made when absent.
fn change(
    connection: &Connection,
    key: &BudgetKey,
    now: Timestamp,
    change: impl FnOnce(&mut Account) -> PortResult<()>,
) -> Result<()> {
    let mut account = rows::account(connection, key)?.unwrap_or_default();
    account.roll(now);
    change(&mut account)?;
    rows::save(connection, key, &account)
}

/// Changes the accounts of a reservation that are still kept.
fn change_kept(
    connection: &Connection,
    kept: &Kept,
    change: impl Fn(&mut Account) -> PortResult<()>,
) -> Result<()> {
    for key in kept.keys.iter() {
        if let Some(mut account) = rows::account(connection, key)? {
            change(&mut account)?;
            rows::save(connection, key, &account)?;
        }
    }
    Ok(())
}

/// Whether a call may go on that has used this much.
fn may_go_on(
    connection: &Connection,
    kept: &Kept,
    seen: Money,
    now: Timestamp,
) -> Result<PortResult<()>> {
    for key in kept.keys.iter() {
        let Some(mut account) = rows::account(connection, key)? else { continue };
        account.roll(now);
        let verdict = account.may_go_on(key.kind, kept.amount, seen);
        if verdict.is_err() {
            return Ok(verdict);
        }
    }
    Ok(Ok(()))
}

/// Books what an owner that is gone has left.
fn expire(connection: &Connection, owner: OwnerId, now: Timestamp) -> Result<Vec<Expired>> {
    let mut expired = Vec::new();
    for mut kept in rows::of_owner(connection, owner)? {
        change_kept(connection, &kept, |account| kept.expire(account, now))?;
        if let Some(tenant) = kept.meter() {
            change(connection, &tenant, now, |account| kept.estimate_in(account, now))?;
        }
        expired.push(kept.booked());
        rows::note(connection, &kept)?;
    }
    Ok(expired)
}

/// What a reservation is found by.
struct Id(Option<TenantId>, OwnerId, u64);

impl Id {
    fn of(reservation: &Reservation) -> Self {
        let tenant = reservation.keys.first().map(|key| key.tenant.clone());
        Self(tenant, reservation.owner, reservation.number)
    }

    /// The reservation, unless it is settled.
    fn find(&self, connection: &Connection) -> Result<Option<Kept>> {
        let Self(Some(tenant), owner, number) = self else { return Ok(None) };
        rows::find(connection, tenant, *owner, *number)
    }
}

impl Store {
    fn limited_scopes(&self) -> Result<&LimitedScopes> {
        Ok(&self.writing()?.limited)
    }

    fn now(&self) -> Result<Timestamp> {
        Ok(self.writing()?.options.clock.now())
    }

    async fn transact<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        Ok(self.write(work).await?)
    }

    async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        Ok(self.read_state(work).await?)
    }

    async fn try_set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: impl Fn(&Account) -> Money + Send + 'static,
    ) -> Result<Reservation> {
        let (writing, now) = (self.writing()?, self.now()?);
        let owner = writing.process;
        let number = writing.reservations.fetch_add(1, Ordering::Relaxed);
        let (keys, wanted) = (Arc::clone(keys), Arc::clone(keys));
        let amount = self
            .transact(move |connection| {
                let mut amount = Money::ZERO;
                for key in wanted.iter() {
                    change(connection, key, now, |account| {
                        amount = size(account);
                        account.hold(key.kind, amount)
                    })?;
                }
                rows::insert(connection, owner, number, amount, &wanted)?;
                Ok(amount)
            })
            .await?;
        Ok(Reservation { owner, number, amount, keys })
    }

    async fn try_settle(&self, reservation: &Reservation, used: Money) -> Result<()> {
        let (id, now) = (Id::of(reservation), self.now()?);
        self.transact(move |connection| {
            let Some(kept) = id.find(connection)? else { return Ok(()) };
            change_kept(connection, &kept, |account| kept.settle(account, used, now))?;
            if let Some(tenant) = kept.meter() {
                change(connection, &tenant, now, |account| kept.meter_in(account, used, now))?;
            }
            rows::remove(connection, &kept)
        })
        .await
    }

    /// Written, and not synced: the journal of a run holds what it has used.
    async fn try_meter(&self, tenant: &BudgetKey, used: Money) -> Result<()> {
        let (tenant, now) = (tenant.clone(), self.now()?);
        let book = move |connection: &Connection| {
            change(connection, &tenant, now, |account| account.book(used))
        };
        Ok(self.writing()?.writer.note(book).await?)
    }

    /// Written, and not synced: a call is worth no more than its last report where it is lost.
    async fn try_report(&self, reservation: &Reservation, seen: Money) -> Result<()> {
        let (id, now) = (Id::of(reservation), self.now()?);
        let report = move |connection: &Connection| {
            let Some(kept) = id.find(connection)? else { return Ok(Ok(())) };
            let kept = Kept { reported: Some(seen), ..kept };
            if kept.estimated.is_none() {
                rows::note(connection, &kept)?;
            }
            // What is to stop has reported all the same.
            may_go_on(connection, &kept, seen, now)
        };
        let verdict: PortResult<()> = self.writing()?.writer.note(report).await?;
        Ok(verdict?)
    }

    async fn try_look(&self, key: &BudgetKey) -> Result<Account> {
        let (key, now) = (key.clone(), self.now()?);
        self.look_up(move |connection| {
            let mut account = rows::account(connection, &key)?.unwrap_or_default();
            account.roll(now);
            Ok(account)
        })
        .await
    }

    async fn try_set_limits(&self, key: &BudgetKey, limits: BudgetLimits) -> Result<()> {
        let (key, now) = (key.clone(), self.now()?);
        self.transact(move |connection| {
            let known = rows::account(connection, &key)?;
            if known.is_some_and(|account| account.limits == limits) {
                return Ok(());
            }
            change(connection, &key, now, |account| {
                account.limits = limits;
                Ok(())
            })
        })
        .await
    }

    async fn try_open(&self, key: &BudgetKey, limit: Option<Money>, spent: Money) -> Result<()> {
        let key = key.clone();
        self.transact(move |connection| {
            let mut account = rows::account(connection, &key)?.unwrap_or_default();
            (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
            rows::save(connection, &key, &account)
        })
        .await
    }

    async fn try_forget(&self, key: &BudgetKey) -> Result<()> {
        let key = key.clone();
        self.transact(move |connection| rows::forget(connection, &key)).await
    }

    async fn try_sweep(&self) -> Result<Vec<Expired>> {
        let now = self.now()?;
        let owners = self.look_up(rows::owners).await?;
        let folder = self.0.folder.join("owners");
        let gone: Vec<_> =
            owners.into_iter().filter(|owner| !owners::lives(&folder, *owner)).collect();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        // A process that is gone does not come back, so it is still gone in the transaction.
        self.transact(move |connection| {
            let mut expired = Vec::new();
            for owner in gone {
                expired.extend(expire(connection, owner, now)?);
            }
            Ok(expired)
        })
        .await
    }

    /// The scopes of a tenant that have a limit, as they were last written.
    pub fn budgets(&self, scope: &Scope) -> BoxFuture<'_, PortResult<Vec<(BudgetKey, Account)>>> {
        let tenant = scope.tenant().clone();
        self.read_state(move |connection| rows::limited(connection, &tenant))
    }

    /// The scopes of a tenant that have a limit, in the windows of a moment. For a reader, too.
    pub async fn budgets_at(
        &self,
        scope: &Scope,
        now: Timestamp,
    ) -> PortResult<Vec<(BudgetKey, Account)>> {
        let mut budgets = self.budgets(scope).await?;
        for (_, account) in &mut budgets {
            account.roll(now);
        }
        Ok(budgets)
    }
}

ledger_of!(Store);
