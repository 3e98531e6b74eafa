//! Budgets that processes of several machines share. Each call is a transaction that locks its
//! accounts in one order, so that calls wait for each other and never for ever.

use std::collections::BTreeSet;
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
use sqlx::PgConnection;

use crate::error::Result;
use crate::ledger::ledger_of;
use crate::postgres::connect;
use crate::postgres::server::PostgresStore;
use crate::reservations::Kept;
use crate::scopes;

mod rows;

async fn expire(
    connection: &mut PgConnection,
    owner: OwnerId,
    now: Timestamp,
) -> Result<Vec<Expired>> {
    let mut left = rows::of_owner(connection, owner).await?;
    let keys = left.iter().flat_map(|kept| kept.keys.iter());
    let mut accounts = rows::lock(connection, keys, false).await?;
    let metered: BTreeSet<_> = left.iter().filter_map(Kept::meter).collect();
    accounts.append(&mut rows::lock(connection, &metered, true).await?);
    let mut expired = Vec::new();
    for kept in &mut left {
        if let Some(account) = kept.meter().and_then(|tenant| accounts.get_mut(&tenant)) {
            kept.estimate_in(account, now)?;
        }
        for key in kept.keys.iter() {
            if let Some(account) = accounts.get_mut(key) {
                kept.expire(account, now)?;
            }
        }
        expired.push(kept.booked());
        rows::note(connection, kept).await?;
    }
    rows::save(connection, &accounts).await?;
    Ok(expired)
}

impl PostgresStore {
    #[expect(clippy::unnecessary_wraps, reason = "a store on disk may be opened for reading only")]
    fn limited_scopes(&self) -> Result<&LimitedScopes> {
        Ok(&self.limited)
    }

    async fn try_set_aside(
        &self,
        keys: &Arc<[BudgetKey]>,
        size: impl Fn(&Account) -> Money + Send + Sync,
    ) -> Result<Reservation> {
        let (tenant, scopes) = scopes::written(keys)?;
        let now = self.clock.now();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut transaction = self.begin(&tenant).await?;
        let mut accounts = rows::lock(&mut transaction, keys.iter(), true).await?;
        let mut amount = Money::ZERO;
        for key in keys.iter() {
            let Some(account) = accounts.get_mut(key) else { continue };
            account.roll(now);
            amount = size(account);
            account.hold(key.kind, amount)?;
        }
        let id = (self.owner, number);
        rows::insert(&mut transaction, id, amount, (&tenant, &scopes)).await?;
        rows::save(&mut transaction, &accounts).await?;
        transaction.commit().await?;
        Ok(Reservation { owner: self.owner, number, amount, keys: Arc::clone(keys) })
    }

    async fn try_settle(&self, reservation: &Reservation, used: Money) -> Result<()> {
        let Some(key) = reservation.keys.first() else { return Ok(()) };
        let (id, now) = ((reservation.owner, reservation.number), self.clock.now());
        let mut transaction = self.begin(&key.tenant).await?;
        let Some(kept) = rows::find(&mut transaction, &key.tenant, id).await? else {
            return Ok(());
        };
        let mut accounts = rows::lock(&mut transaction, kept.keys.iter(), false).await?;
        for key in kept.keys.iter() {
            if let Some(account) = accounts.get_mut(key) {
                kept.settle(account, used, now)?;
            }
        }
        // Tenants come last in the order of keys, so that this one is in its place here, too.
        let tenant = kept.meter();
        let mut metered = rows::lock(&mut transaction, &tenant, true).await?;
        for account in metered.values_mut() {
            kept.meter_in(account, used, now)?;
        }
        accounts.append(&mut metered);
        rows::save(&mut transaction, &accounts).await?;
        rows::remove(&mut transaction, &kept).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn try_report(&self, reservation: &Reservation, seen: Money) -> Result<()> {
        let Some(key) = reservation.keys.first() else { return Ok(()) };
        let mut transaction = self.begin(&key.tenant).await?;
        let kept = rows::report(&mut transaction, &key.tenant, reservation, seen).await?;
        let mut accounts = Vec::new();
        if kept {
            for key in reservation.keys.iter() {
                accounts.push((key, rows::look(&mut transaction, key).await?));
            }
        }
        // What is to stop has reported all the same.
        transaction.commit().await?;
        let now = self.clock.now();
        for (key, mut account) in accounts {
            account.roll(now);
            account.may_go_on(key.kind, reservation.amount, seen)?;
        }
        Ok(())
    }

    async fn change(
        &self,
        key: &BudgetKey,
        change: impl FnOnce(&mut Account) + Send,
    ) -> Result<()> {
        let mut transaction = self.begin(&key.tenant).await?;
        let mut accounts = rows::lock(&mut transaction, [key], true).await?;
        if let Some(account) = accounts.get_mut(key) {
            change(account);
        }
        rows::save(&mut transaction, &accounts).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn try_meter(&self, tenant: &BudgetKey, used: Money) -> Result<()> {
        let now = self.clock.now();
        let mut transaction = self.begin(&tenant.tenant).await?;
        let mut accounts = rows::lock(&mut transaction, [tenant], true).await?;
        for account in accounts.values_mut() {
            account.roll(now);
            account.book(used)?;
        }
        rows::save(&mut transaction, &accounts).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn try_set_limits(&self, key: &BudgetKey, limits: BudgetLimits) -> Result<()> {
        if self.try_look(key).await?.limits == limits {
            return Ok(());
        }
        self.change(key, |account| account.limits = limits).await
    }

    async fn try_open(&self, key: &BudgetKey, limit: Option<Money>, spent: Money) -> Result<()> {
        let open = |account: &mut Account| {
            (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
        };
        self.change(key, open).await
    }

    async fn try_forget(&self, key: &BudgetKey) -> Result<()> {
        let mut transaction = self.begin(&key.tenant).await?;
        rows::forget(&mut transaction, key).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn try_look(&self, key: &BudgetKey) -> Result<Account> {
        let mut transaction = self.begin(&key.tenant).await?;
        let mut account = rows::look(&mut transaction, key).await?;
        transaction.commit().await?;
        account.roll(self.clock.now());
        Ok(account)
    }

    /// What others left behind of the tenants that this process works for.
    async fn try_sweep(&self) -> Result<Vec<Expired>> {
        let mut expired = Vec::new();
        for tenant in self.known_tenants() {
            self.sweep_tenant(&tenant, &mut expired).await?;
        }
        Ok(expired)
    }

    async fn sweep_tenant(&self, tenant: &TenantId, expired: &mut Vec<Expired>) -> Result<()> {
        let mut transaction = self.begin(tenant).await?;
        let owners = rows::owners(&mut transaction).await?;
        transaction.commit().await?;
        for owner in owners.into_iter().filter(|owner| *owner != self.owner) {
            let mut transaction = self.begin(tenant).await?;
            let lives: bool = sqlx::query_scalar("SELECT shows_life($1)")
                .bind(connect::life(owner))
                .fetch_one(&mut *transaction)
                .await?;
            if !lives {
                expired.extend(expire(&mut transaction, owner, self.clock.now()).await?);
                transaction.commit().await?;
            }
        }
        Ok(())
    }

    /// The scopes of a tenant that have a limit, by kind and name.
    pub async fn budgets(&self, scope: &Scope) -> PortResult<Vec<(BudgetKey, Account)>> {
        self.inside(self.limited(scope.tenant())).await
    }

    async fn limited(&self, tenant: &TenantId) -> Result<Vec<(BudgetKey, Account)>> {
        let mut transaction = self.begin(tenant).await?;
        let mut limited = rows::limited(&mut transaction, tenant).await?;
        transaction.commit().await?;
        let now = self.clock.now();
        for (_, account) in &mut limited {
            account.roll(now);
        }
        Ok(limited)
    }
}

ledger_of!(PostgresStore);
