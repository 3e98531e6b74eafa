//! Budgets that processes of several machines share. Each call is a transaction that locks its
//! accounts in one order, so that calls wait for each other and never for ever.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ledger::{
    Account, BudgetKey, BudgetLimits, Expired, Ledger, LimitedScopes, Reservation,
};
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::error::Result;
use crate::postgres::connect;

mod rows;
use rows::{Accounts, Kept};

/// Budgets in a Postgres server. A process's reservations are its own for as long as it has a
/// connection; what it leaves behind is settled by whoever needs the money.
pub struct PostgresLedger {
    pool: PgPool,
    owner: OwnerId,
    next: AtomicU64,
    clock: Arc<dyn Clock>,
    limited: LimitedScopes,
}

impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresLedger").field(&self.owner).finish()
    }
}

/// Frees what was set aside, or what was booked in its place, and books what was used.
fn settle(accounts: &mut Accounts, kept: &Kept, used: Money, now: Timestamp) -> Result<()> {
    for key in kept.keys.iter() {
        let Some(account) = accounts.get_mut(key) else { continue };
        account.roll(now);
        match kept.estimated {
            Some(estimated) => account.unestimate(estimated),
            None => account.free(kept.amount),
        }
        account.book(used)?;
    }
    Ok(())
}

async fn expire(
    connection: &mut PgConnection,
    owner: OwnerId,
    now: Timestamp,
) -> Result<Vec<Expired>> {
    let mut left = rows::of_owner(connection, owner).await?;
    let keys = left.iter().flat_map(|kept| kept.keys.iter());
    let mut accounts = rows::lock(connection, keys, false).await?;
    let mut expired = Vec::new();
    for kept in &mut left {
        let booked = kept.reported.unwrap_or(kept.amount);
        for key in kept.keys.iter() {
            let Some(account) = accounts.get_mut(key) else { continue };
            account.roll(now);
            account.free(kept.amount);
            account.estimate(booked)?;
        }
        kept.estimated = Some(booked);
        rows::note(connection, owner, kept).await?;
        let (keys, in_full) = (Arc::clone(&kept.keys), kept.reported.is_none());
        expired.push(Expired { owner, keys, booked, in_full });
    }
    rows::save(connection, &accounts).await?;
    Ok(expired)
}

impl PostgresLedger {
    /// Connects to a server (`postgres://user:password@host/database`) and makes the tables where
    /// there are none. `owner` must be new for every process. Called inside a tokio runtime.
    pub async fn connect(url: &str, owner: OwnerId, clock: Arc<dyn Clock>) -> PortResult<Self> {
        let pool = connect::connect(url, owner).await?;
        let (next, limited) = (AtomicU64::new(1), LimitedScopes::default());
        Ok(Self { pool, owner, next, clock, limited })
    }

    /// Ends the connections, and with them the sign of life: what is not settled is then settled
    /// by whoever needs the money.
    pub async fn close_connections(&self) {
        self.pool.close().await;
    }

    async fn set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: impl Fn(&Account) -> Money + Send + Sync,
    ) -> PortResult<Reservation> {
        match self.try_set_aside(keys, &size).await.map_err(LargestackError::from) {
            // Perhaps only because of what somebody left behind.
            Err(refused @ LargestackError::BudgetExceededError(_)) => {
                if Ledger::sweep(self).await?.is_empty() {
                    return Err(refused);
                }
                Ok(self.try_set_aside(keys, &size).await?)
            }
            other => other,
        }
    }

    async fn try_set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: &(impl Fn(&Account) -> Money + Send + Sync),
    ) -> Result<Reservation> {
        let now = self.clock.now();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut transaction = self.pool.begin().await?;
        let mut accounts = rows::lock(&mut transaction, keys.iter(), true).await?;
        let mut amount = Money::ZERO;
        for key in keys.iter() {
            let Some(account) = accounts.get_mut(key) else { continue };
            account.roll(now);
            amount = size(account);
            account.hold(key.kind, amount)?;
        }
        rows::insert(&mut transaction, (self.owner, number), amount, keys).await?;
        rows::save(&mut transaction, &accounts).await?;
        transaction.commit().await?;
        Ok(Reservation { owner: self.owner, number, amount, keys: Arc::clone(keys) })
    }

    async fn try_settle(&self, reservation: &Reservation, used: Money) -> Result<()> {
        let Some(key) = reservation.keys.first() else { return Ok(()) };
        let id = (reservation.owner, reservation.number);
        let mut transaction = self.pool.begin().await?;
        let Some(kept) = rows::find(&mut transaction, &key.tenant, id).await? else {
            return Ok(());
        };
        let mut accounts = rows::lock(&mut transaction, kept.keys.iter(), false).await?;
        settle(&mut accounts, &kept, used, self.clock.now())?;
        rows::save(&mut transaction, &accounts).await?;
        rows::remove(&mut transaction, reservation.owner, &kept).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn try_report(&self, reservation: &Reservation, seen: Money) -> Result<()> {
        let Some(key) = reservation.keys.first() else { return Ok(()) };
        let id = (reservation.owner, reservation.number);
        let mut transaction = self.pool.begin().await?;
        if let Some(mut kept) = rows::find(&mut transaction, &key.tenant, id).await? {
            kept.reported = Some(seen);
            rows::note(&mut transaction, reservation.owner, &kept).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn change(
        &self,
        key: &BudgetKey,
        change: impl FnOnce(&mut Account) + Send,
    ) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let mut accounts = rows::lock(&mut transaction, [key], true).await?;
        if let Some(account) = accounts.get_mut(key) {
            change(account);
        }
        rows::save(&mut transaction, &accounts).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn look(&self, key: &BudgetKey) -> Result<Account> {
        let mut connection = self.pool.acquire().await?;
        let mut account = rows::look(&mut connection, key).await?;
        account.roll(self.clock.now());
        Ok(account)
    }

    async fn try_sweep(&self) -> Result<Vec<Expired>> {
        let mut connection = self.pool.acquire().await?;
        let owners = rows::owners(&mut connection).await?;
        drop(connection);
        let mut expired = Vec::new();
        for owner in owners.into_iter().filter(|owner| *owner != self.owner) {
            let mut transaction = self.pool.begin().await?;
            // Only to be had when no connection of that process holds it.
            let gone: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
                .bind(connect::life(owner))
                .fetch_one(&mut *transaction)
                .await?;
            if gone {
                expired.extend(expire(&mut transaction, owner, self.clock.now()).await?);
                transaction.commit().await?;
            }
        }
        Ok(expired)
    }
}

impl Ledger for PostgresLedger {
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
        async move { Ok(self.try_report(reservation, seen).await?) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        reservation: &'a Reservation,
        used: Money,
    ) -> BoxFuture<'a, PortResult<()>> {
        async move { Ok(self.try_settle(reservation, used).await?) }.boxed()
    }

    fn available<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
    ) -> BoxFuture<'a, PortResult<Option<Money>>> {
        async move {
            let mut tightest: Option<Money> = None;
            for key in keys.iter() {
                let left = self.look(key).await?.left();
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
        self.limited.note(key, limits);
        async move { Ok(self.change(key, |account| account.limits = limits).await?) }.boxed()
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, PortResult<Account>> {
        async move { Ok(self.look(key).await?) }.boxed()
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, PortResult<()>> {
        let open = move |account: &mut Account| {
            (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
        };
        async move { Ok(self.change(key, open).await?) }.boxed()
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        async move {
            if let Ok(mut connection) = self.pool.acquire().await {
                // What stays is the account of a run that is over, which nobody reads.
                let _stays = rows::forget(&mut connection, key).await;
            }
        }
        .boxed()
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        self.limited.around_run(scope, agent)
    }

    fn sweep(&self) -> BoxFuture<'_, PortResult<Vec<Expired>>> {
        async move { Ok(self.try_sweep().await?) }.boxed()
    }
}
