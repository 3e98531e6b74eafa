//! Budgets that all processes of a store share. Each call is a transaction of the one writer, and
//! so durable when it returns; a process's reservations are its own for as long as it holds its
//! lock file.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::ledger::{Account, BudgetKey, BudgetLimits, Expired, Ledger, Reservation};
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::Connection;

use crate::error::Result;
use crate::sqlite::owners;
use crate::sqlite::store::Store;

mod rows;
use rows::Kept;

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

/// The same where the account is still kept.
fn change_kept(
    connection: &Connection,
    key: &BudgetKey,
    now: Timestamp,
    change: impl FnOnce(&mut Account) -> PortResult<()>,
) -> Result<()> {
    let Some(mut account) = rows::account(connection, key)? else { return Ok(()) };
    account.roll(now);
    change(&mut account)?;
    rows::save(connection, key, &account)
}

fn settle(connection: &Connection, kept: &Kept, used: Money, now: Timestamp) -> Result<()> {
    for key in kept.keys.iter() {
        change_kept(connection, key, now, |account| {
            match kept.estimated {
                Some(estimated) => account.unestimate(estimated),
                None => account.free(kept.amount),
            }
            account.book(used)
        })?;
    }
    rows::remove(connection, kept)
}

/// Books what an owner that is gone has left, and keeps the rows: whoever knows better may still
/// settle them.
fn expire(connection: &Connection, owner: OwnerId, now: Timestamp) -> Result<Vec<Expired>> {
    let mut expired = Vec::new();
    for mut kept in rows::of_owner(connection, owner)? {
        let booked = kept.reported.unwrap_or(kept.amount);
        kept.estimated = Some(booked);
        for key in kept.keys.iter() {
            change_kept(connection, key, now, |account| {
                account.free(kept.amount);
                account.estimate(booked)
            })?;
        }
        rows::note(connection, &kept)?;
        let (keys, in_full) = (Arc::clone(&kept.keys), kept.reported.is_none());
        expired.push(Expired { owner, keys, booked, in_full });
    }
    Ok(expired)
}

impl Store {
    /// Sets money aside in a transaction; `size` may look at the accounts before.
    async fn set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: impl Fn(&Account) -> Money + Clone + Send + 'static,
    ) -> PortResult<Reservation> {
        match self.try_set_aside(keys, size.clone()).await {
            // Perhaps only because of what somebody left behind.
            Err(refused @ LargestackError::BudgetExceededError(_)) => {
                if Ledger::sweep(self).await?.is_empty() {
                    return Err(refused);
                }
                self.try_set_aside(keys, size).await
            }
            other => other,
        }
    }

    async fn try_set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: impl Fn(&Account) -> Money + Send + 'static,
    ) -> PortResult<Reservation> {
        let writing = self.writing()?;
        let (owner, now) = (writing.process, writing.options.clock.now());
        let number = writing.reservations.fetch_add(1, Ordering::Relaxed);
        let (keys, wanted) = (Arc::clone(keys), Arc::clone(keys));
        let amount = self
            .write(move |connection| {
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

    /// Does something with a reservation, unless it is settled.
    fn with_kept(
        &self,
        reservation: &Reservation,
        work: impl FnOnce(&Connection, Kept, Timestamp) -> Result<()> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<()>> {
        let (owner, number) = (reservation.owner, reservation.number);
        let tenant = reservation.keys.first().map(|key| key.tenant.clone());
        let now = self.writing().map(|writing| writing.options.clock.now());
        self.write(move |connection| {
            let (Some(tenant), now) = (tenant, now?) else { return Ok(()) };
            match rows::find(connection, &tenant, owner, number)? {
                Some(kept) => work(connection, kept, now),
                None => Ok(()),
            }
        })
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

impl Ledger for Store {
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, PortResult<Reservation>> {
        self.set_aside(keys, move |_| amount).boxed()
    }

    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, PortResult<Reservation>> {
        let keys: Arc<[BudgetKey]> = Arc::from([key.clone()]);
        async move { self.set_aside(&keys, move |account| account.slice(least, most)).await }
            .boxed()
    }

    fn report<'a>(
        &'a self,
        reservation: &'a Reservation,
        seen: Money,
    ) -> BoxFuture<'a, PortResult<()>> {
        self.with_kept(reservation, move |connection, mut kept, _| {
            kept.reported = Some(seen);
            rows::note(connection, &kept)
        })
    }

    fn settle<'a>(
        &'a self,
        reservation: &'a Reservation,
        used: Money,
    ) -> BoxFuture<'a, PortResult<()>> {
        self.with_kept(reservation, move |connection, kept, now| {
            settle(connection, &kept, used, now)
        })
    }

    fn available<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
    ) -> BoxFuture<'a, PortResult<Option<Money>>> {
        async move {
            let mut tightest: Option<Money> = None;
            for key in keys.iter() {
                let left = self.account(key).await?.left();
                tightest = left.into_iter().chain(tightest).min();
            }
            Ok(tightest)
        }
        .boxed()
    }

    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, PortResult<()>> {
        let (key, now) = match self.writing() {
            Ok(writing) => {
                writing.limited.note(key, limits);
                (key.clone(), writing.options.clock.now())
            }
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        self.write(move |connection| {
            let known = rows::account(connection, &key)?;
            if known.is_some_and(|account| account.limits == limits) {
                return Ok(());
            }
            change(connection, &key, now, |account| {
                account.limits = limits;
                Ok(())
            })
        })
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, PortResult<Account>> {
        let (key, now) = match self.writing() {
            Ok(writing) => (key.clone(), writing.options.clock.now()),
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        self.read_state(move |connection| {
            let mut account = rows::account(connection, &key)?.unwrap_or_default();
            account.roll(now);
            Ok(account)
        })
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, PortResult<()>> {
        let key = key.clone();
        self.write(move |connection| {
            let mut account = rows::account(connection, &key)?.unwrap_or_default();
            (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
            rows::save(connection, &key, &account)
        })
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        let key = key.clone();
        let closed = self.write(move |connection| rows::forget(connection, &key));
        // What stays is the account of a run that is over, which nobody reads.
        closed.map(drop).boxed()
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        self.writing().map_or_else(|_| Vec::new(), |w| w.limited.around_run(scope, agent))
    }

    fn sweep(&self) -> BoxFuture<'_, PortResult<Vec<Expired>>> {
        async move {
            let now = self.writing()?.options.clock.now();
            let owners = self.read_state(rows::owners).await?;
            let folder = self.0.folder.join("owners");
            let gone: Vec<_> =
                owners.into_iter().filter(|owner| !owners::lives(&folder, *owner)).collect();
            if gone.is_empty() {
                return Ok(Vec::new());
            }
            // A process that is gone does not come back, so it is still gone in the transaction.
            self.write(move |connection| {
                let mut expired = Vec::new();
                for owner in gone {
                    expired.extend(expire(connection, owner, now)?);
                }
                Ok(expired)
            })
            .await
        }
        .boxed()
    }
}
