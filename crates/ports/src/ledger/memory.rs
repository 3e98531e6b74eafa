//! A ledger of this process only. Several owners may share it, as processes share a store.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use foldhash::quality::RandomState;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use super::{Account, BudgetKey, BudgetLimits, Expired, Ledger, Reservation};
use crate::BoxFuture;
use crate::clock::Clock;

struct Open {
    owner: OwnerId,
    amount: Money,
    keys: Arc<[BudgetKey]>,
    reported: Option<Money>,
    /// What was booked when the owner was taken for gone.
    estimated: Option<Money>,
}

#[derive(Default)]
struct Book {
    accounts: HashMap<BudgetKey, Account, RandomState>,
    open: HashMap<u64, Open, RandomState>,
    /// The tenant without a limit that was metered last: its key is not made anew for each call.
    metered: Option<BudgetKey>,
    /// Owners that were seen to reserve; gone once nobody holds them.
    owners: HashMap<OwnerId, Weak<OwnerId>>,
    last: u64,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    clock: Option<Arc<dyn Clock>>,
}

/// A ledger of this process only. Cheap to clone; a clone is the same owner.
#[derive(Clone)]
pub struct MemoryLedger {
    shared: Arc<Shared>,
    owner: Arc<OwnerId>,
}

impl Default for MemoryLedger {
    /// Without a clock: for limits in all, not per day or month.
    fn default() -> Self {
        Self::over(Arc::default(), OwnerId::from_u128(0))
    }
}

impl fmt::Debug for MemoryLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLedger")
    }
}

impl Book {
    fn account(&mut self, key: &BudgetKey, now: Option<Timestamp>) -> &mut Account {
        let account = self.accounts.entry(key.clone()).or_default();
        if let Some(now) = now {
            account.roll(now);
        }
        account
    }

    /// An account as it is now.
    fn look(&self, key: &BudgetKey, now: Option<Timestamp>) -> Account {
        let mut account = self.accounts.get(key).copied().unwrap_or_default();
        if let Some(now) = now {
            account.roll(now);
        }
        account
    }

    fn hold(&mut self, keys: &[BudgetKey], amount: Money, now: Option<Timestamp>) -> Result<()> {
        for (at, key) in keys.iter().enumerate() {
            if let Err(refused) = self.account(key, now).hold(key.kind, amount) {
                for held in keys.iter().take(at) {
                    self.account(held, now).free(amount);
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    /// The account of a tenant without a limit.
    fn meter(&mut self, tenant: &TenantId, now: Option<Timestamp>) -> &mut Account {
        let known = self.metered.take().filter(|key| key.tenant == *tenant);
        let key = known.unwrap_or_else(|| BudgetKey::everything_of(tenant));
        self.metered = Some(key.clone());
        self.account(&key, now)
    }

    /// Settles a reservation that has not been settled yet.
    fn settle(&mut self, number: u64, used: Money, now: Option<Timestamp>) -> Result<()> {
        let Some(open) = self.open.get(&number) else { return Ok(()) };
        let (keys, amount, estimated) = (Arc::clone(&open.keys), open.amount, open.estimated);
        let metered = BudgetKey::metered(&keys).filter(|_| {
            used != Money::ZERO || estimated.is_some_and(|estimated| estimated != Money::ZERO)
        });
        if let Some(tenant) = metered {
            self.meter(tenant, now).can_book(used)?;
        }
        // An account that was closed meanwhile is no longer kept.
        for account in keys.iter().filter_map(|key| self.accounts.get(key)) {
            account.can_book(used)?;
        }
        for key in keys.iter() {
            let Some(account) = self.accounts.get_mut(key) else { continue };
            if let Some(now) = now {
                account.roll(now);
            }
            match estimated {
                Some(estimated) => account.unestimate(estimated),
                None => account.free(amount),
            }
            account.book(used)?;
        }
        if let Some(tenant) = metered {
            let account = self.meter(tenant, now);
            account.unestimate(estimated.unwrap_or_default());
            account.book(used)?;
        }
        self.open.remove(&number);
        Ok(())
    }

    fn report(&mut self, number: u64, seen: Money, now: Option<Timestamp>) -> Result<()> {
        let Some(open) = self.open.get_mut(&number) else { return Ok(()) };
        if open.estimated.is_none() {
            open.reported = Some(seen);
        }
        let (keys, amount) = (Arc::clone(&open.keys), open.amount);
        for key in keys.iter() {
            self.look(key, now).may_go_on(key.kind, amount, seen)?;
        }
        Ok(())
    }

    fn sweep(&mut self, now: Option<Timestamp>) -> Result<Vec<Expired>> {
        let gone =
            |owner: &OwnerId| self.owners.get(owner).is_none_or(|alive| alive.strong_count() == 0);
        let left: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| open.estimated.is_none() && gone(&open.owner))
            .map(|(number, _)| *number)
            .collect();
        let mut expired = Vec::with_capacity(left.len());
        for number in left {
            let Some(open) = self.open.get_mut(&number) else { continue };
            let (keys, amount) = (Arc::clone(&open.keys), open.amount);
            let (owner, in_full) = (open.owner, open.reported.is_none());
            let booked = open.reported.unwrap_or(amount);
            open.estimated = Some(booked);
            for key in keys.iter() {
                let account = self.account(key, now);
                account.free(amount);
                account.estimate(booked)?;
            }
            if let Some(tenant) = BudgetKey::metered(&keys) {
                self.meter(tenant, now).estimate(booked)?;
            }
            expired.push(Expired { owner, keys, booked, in_full });
        }
        Ok(expired)
    }
}

impl MemoryLedger {
    /// With a clock, and so with limits per day and month too.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shared = Shared { book: Mutex::default(), clock: Some(clock) };
        Self::over(Arc::new(shared), OwnerId::from_u128(0))
    }

    fn over(shared: Arc<Shared>, owner: OwnerId) -> Self {
        let owner = Arc::new(owner);
        let ledger = Self { shared, owner };
        ledger.book().owners.insert(*ledger.owner, Arc::downgrade(&ledger.owner));
        ledger
    }

    /// Another owner of reservations in the same accounts. It is gone when the last clone of it is
    /// dropped: then what it left is settled by whoever notices.
    #[must_use]
    pub fn another_owner(&self, owner: OwnerId) -> Self {
        Self::over(Arc::clone(&self.shared), owner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Option<Timestamp> {
        self.shared.clock.as_ref().map(|clock| clock.now())
    }

    /// Sets a key's limit in all, keeping what was spent.
    pub fn set_limit(&self, key: &BudgetKey, limit: Option<Money>) {
        self.book().account(key, None).limits.total = limit;
    }

    /// What was spent and what is reserved in a key.
    pub fn totals(&self, key: &BudgetKey) -> (Money, Money) {
        self.book().accounts.get(key).map_or_else(Default::default, |a| (a.spent, a.reserved))
    }

    /// [`Ledger::reserve`] without waiting.
    pub fn try_reserve(&self, keys: &Arc<[BudgetKey]>, amount: Money) -> Result<Reservation> {
        let now = self.now();
        let mut book = self.book();
        if let Err(refused) = book.hold(keys, amount, now) {
            // Perhaps only because of what somebody left behind.
            if book.sweep(now)?.is_empty() {
                return Err(refused);
            }
            book.hold(keys, amount, now)?;
        }
        Ok(self.enter(&mut book, keys, amount))
    }

    fn enter(&self, book: &mut Book, keys: &Arc<[BudgetKey]>, amount: Money) -> Reservation {
        book.last += 1;
        let (owner, keys) = (*self.owner, Arc::clone(keys));
        let open = Open { owner, amount, keys: Arc::clone(&keys), reported: None, estimated: None };
        book.open.insert(book.last, open);
        Reservation { owner, number: book.last, amount, keys }
    }

    fn try_lease(&self, key: &BudgetKey, least: Money, most: Money) -> Result<Reservation> {
        let now = self.now();
        let mut book = self.book();
        let hold = |book: &mut Book| {
            let account = book.account(key, now);
            let amount = account.slice(least, most);
            account.hold(key.kind, amount).map(|()| amount)
        };
        let amount = match hold(&mut book) {
            Err(refused) if book.sweep(now)?.is_empty() => return Err(refused),
            Err(_) => hold(&mut book)?,
            Ok(amount) => amount,
        };
        Ok(self.enter(&mut book, &Arc::from([key.clone()]), amount))
    }

    /// [`Ledger::settle`] without waiting.
    pub fn try_settle(&self, reservation: &Reservation, used: Money) -> Result<()> {
        self.book().settle(reservation.number, used, self.now())
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    Box::pin(std::future::ready(value))
}

impl Ledger for MemoryLedger {
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        ready(self.try_reserve(keys, amount))
    }

    fn reserve_now(&self, keys: &Arc<[BudgetKey]>, amount: Money) -> Option<Result<Reservation>> {
        Some(self.try_reserve(keys, amount))
    }

    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        ready(self.try_lease(key, least, most))
    }

    fn report<'a>(
        &'a self,
        reservation: &'a Reservation,
        seen: Money,
    ) -> BoxFuture<'a, Result<()>> {
        ready(self.book().report(reservation.number, seen, self.now()))
    }

    fn settle<'a>(
        &'a self,
        reservation: &'a Reservation,
        used: Money,
    ) -> BoxFuture<'a, Result<()>> {
        ready(self.try_settle(reservation, used))
    }

    fn settle_now(&self, reservation: &Reservation, used: Money) -> Option<Result<()>> {
        Some(self.try_settle(reservation, used))
    }

    fn meter<'a>(&'a self, tenant: &'a TenantId, used: Money) -> BoxFuture<'a, Result<()>> {
        ready(self.book().meter(tenant, self.now()).book(used))
    }

    fn available<'a>(&'a self, keys: &'a Arc<[BudgetKey]>) -> BoxFuture<'a, Result<Option<Money>>> {
        let now = self.now();
        let book = self.book();
        let left = keys.iter().filter_map(|key| book.look(key, now).left()).min();
        ready(Ok(left))
    }

    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, Result<()>> {
        let now = self.now();
        if now.is_none() && (limits.day.is_some() || limits.month.is_some()) {
            let detail = "a ledger without a clock has no limits per day or month";
            return ready(Err(LargestackError::other(Code::Config, detail)));
        }
        self.book().account(key, now).limits = limits;
        ready(Ok(()))
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, Result<Account>> {
        ready(Ok(self.book().look(key, self.now())))
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>> {
        let mut book = self.book();
        let account = book.account(key, None);
        (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
        ready(Ok(()))
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        self.book().accounts.remove(key);
        ready(())
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        let book = self.book();
        let limited = |key: &BudgetKey| book.accounts.get(key).is_some_and(|a| a.limits.is_some());
        BudgetKey::around_run(scope, agent).into_iter().filter(limited).collect()
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Vec<Expired>>> {
        ready(self.book().sweep(self.now()))
    }
}
