//! Money: every call reserves its worst case in every scope it touches, then settles with what it
//! really used. The law: what is spent and reserved in a scope never exceeds its limit.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_types::errors::{BudgetExceededError, Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::money::{Money, MoneyOverflow};

use crate::BoxFuture;

/// A scope with a budget. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BudgetKey {
    /// A run and everything under it.
    Run(RunId),
    /// Another scope.
    Named {
        /// The kind (`agent`, `user`, `key`, `team`, `tenant`), as the error names it.
        kind: Cow<'static, str>,
        /// Which one; begins with the tenant where it is shared.
        name: Arc<str>,
    },
}

impl BudgetKey {
    /// A run and everything under it.
    pub const fn run_tree(root: RunId) -> Self {
        Self::Run(root)
    }

    /// Another scope.
    pub fn named(kind: impl Into<Cow<'static, str>>, name: impl Into<Arc<str>>) -> Self {
        Self::Named { kind: kind.into(), name: name.into() }
    }

    /// The kind, as the error names it.
    pub fn kind(&self) -> Cow<'static, str> {
        match self {
            Self::Run(_) => Cow::Borrowed("run"),
            Self::Named { kind, .. } => kind.clone(),
        }
    }
}

/// Money set aside. Must be settled; whoever drops it unsettled leaves the money reserved.
#[derive(Debug)]
#[must_use = "a reservation holds money until it is settled"]
pub struct Reservation {
    /// What was set aside, in each key.
    pub amount: Money,
    /// Where.
    pub keys: Vec<BudgetKey>,
}

/// Budgets.
pub trait Ledger: Send + Sync + 'static {
    /// Sets aside `amount` in every key, or in none: [`BudgetExceededError`] names the one that
    /// cannot cover it.
    fn reserve<'a>(
        &'a self,
        keys: &'a [BudgetKey],
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>>;

    /// What is left in the tightest of the keys; `None` when none has a limit.
    fn available<'a>(&'a self, keys: &'a [BudgetKey]) -> BoxFuture<'a, Result<Option<Money>>>;

    /// Books what was really used and frees the rest. Works also where more was used than set
    /// aside: a provider that exceeded its limit is booked.
    fn settle(&self, reservation: Reservation, used: Money) -> BoxFuture<'_, Result<()>>;

    /// Opens a key with a limit and what was spent in it before (a resumed run's own cost).
    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>>;

    /// Forgets a key that will not be used again.
    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()>;
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    limit: Option<Money>,
    spent: Money,
    reserved: Money,
}

impl Account {
    fn committed(&self) -> Result<Money, MoneyOverflow> {
        self.spent.checked_add(self.reserved)
    }
}

/// A ledger of this process only.
#[derive(Default)]
pub struct MemoryLedger(Mutex<HashMap<BudgetKey, Account>>);

impl fmt::Debug for MemoryLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLedger")
    }
}

fn out_of_range(_: MoneyOverflow) -> LargestackError {
    LargestackError::other(Code::Budget, "an amount of money is out of range")
}

impl MemoryLedger {
    fn accounts(&self) -> std::sync::MutexGuard<'_, HashMap<BudgetKey, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a key's limit, keeping what was spent.
    pub fn set_limit(&self, key: &BudgetKey, limit: Option<Money>) {
        self.accounts().entry(key.clone()).or_default().limit = limit;
    }

    /// What was spent and what is reserved in a key.
    pub fn totals(&self, key: &BudgetKey) -> (Money, Money) {
        self.accounts().get(key).map_or_else(Default::default, |a| (a.spent, a.reserved))
    }

    /// [`Ledger::reserve`] without waiting.
    pub fn try_reserve(&self, keys: &[BudgetKey], amount: Money) -> Result<Reservation> {
        let mut accounts = self.accounts();
        for key in keys {
            let account = accounts.get(key).copied().unwrap_or_default();
            let committed = account.committed().map_err(out_of_range)?;
            let after = committed.checked_add(amount).map_err(out_of_range)?;
            if let Some(budget) = account.limit.filter(|limit| after > *limit) {
                let scope = key.kind();
                return Err(BudgetExceededError { scope, committed, needed: amount, budget }.into());
            }
        }
        for key in keys {
            let account = accounts.entry(key.clone()).or_default();
            account.reserved = account.reserved.checked_add(amount).map_err(out_of_range)?;
        }
        Ok(Reservation { amount, keys: keys.to_vec() })
    }

    /// [`Ledger::settle`] without waiting.
    pub fn settle_now(&self, reservation: &Reservation, used: Money) -> Result<()> {
        let mut accounts = self.accounts();
        for key in &reservation.keys {
            let account = accounts.entry(key.clone()).or_default();
            account.reserved =
                account.reserved.checked_sub(reservation.amount).map_err(out_of_range)?;
            account.spent = account.spent.checked_add(used).map_err(out_of_range)?;
        }
        Ok(())
    }
}

impl Ledger for MemoryLedger {
    fn reserve<'a>(
        &'a self,
        keys: &'a [BudgetKey],
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        Box::pin(std::future::ready(self.try_reserve(keys, amount)))
    }

    fn available<'a>(&'a self, keys: &'a [BudgetKey]) -> BoxFuture<'a, Result<Option<Money>>> {
        let accounts = self.accounts();
        let left = keys.iter().filter_map(|key| {
            let account = accounts.get(key)?;
            Some(account.limit?.checked_sub(account.committed().ok()?).unwrap_or(Money::ZERO))
        });
        Box::pin(std::future::ready(Ok(left.min())))
    }

    fn settle(&self, reservation: Reservation, used: Money) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(self.settle_now(&reservation, used)))
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>> {
        let account = Account { limit, spent, reserved: Money::ZERO };
        self.accounts().insert(key.clone(), account);
        Box::pin(std::future::ready(Ok(())))
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        self.accounts().remove(key);
        Box::pin(std::future::ready(()))
    }
}
