//! A process's side of a shared ledger: run trees are kept here, and of every other scope a slice
//! is leased now and then, so that a call does not wait for the store.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use largestack_types::errors::Result;
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use super::account::{out_of_range, refuse_negative};
use super::meters::Meters;
use super::{
    Account, BudgetKey, BudgetKind, BudgetLimits, Expired, Ledger, LimitedScopes, Reservation,
};
use crate::BoxFuture;

/// Calls of the size at hand that a slice is leased for, as long as enough is left.
const CALLS: i64 = 8;

/// What reservations that are kept here name as their owner; no process has this id.
const HERE: OwnerId = OwnerId::from_u128(u128::MAX);

/// A slice of a shared scope.
struct Slice {
    reservation: Arc<Reservation>,
    spent: Money,
    held: Money,
    /// What the shared ledger books if this process dies: all of it, less what open calls have said
    /// that they have not used. Nothing beyond it is reserved from the slice any more.
    told: Money,
}

impl Slice {
    fn free(&self) -> Money {
        let used = self.spent.checked_add(self.held);
        used.and_then(|used| self.told.checked_sub(used)).unwrap_or_default().max(Money::ZERO)
    }

    fn is_idle(&self) -> bool {
        self.held == Money::ZERO
    }
}

struct Open {
    keys: Arc<[BudgetKey]>,
    amount: Money,
    /// What it counts for in its slices: all of it, until it says how much it has used.
    counts: Money,
    /// For each key the number of the slice; 0 for a run tree.
    slices: Vec<u64>,
}

#[derive(Default)]
struct State {
    runs: HashMap<BudgetKey, Account>,
    slices: HashMap<BudgetKey, Vec<Slice>>,
    open: HashMap<u64, Open>,
    last: u64,
}

/// What is in the way of a reservation.
enum Short {
    /// This scope's slices are too small.
    Slice(usize),
    /// A run's own budget is.
    Refused(largestack_types::errors::LargestackError),
}

/// A process's side of a shared ledger. Run trees are kept in memory, because a run is driven by
/// one process and has its spending in its journal; agents, users, keys, teams and tenants are
/// reserved from slices of the shared ledger, which are given back when no run is open any more.
///
/// What a process that dies has leased is booked, but for what its open calls have said that they
/// have not used: a slice is small (eight calls at the most, a quarter of what is left, and single
/// calls near the limit). What tenants without a limit use is told to the shared ledger whenever a
/// run is closed; a process that dies takes that of its open runs along, which their journals hold.
pub struct Sliced {
    shared: Arc<dyn Ledger>,
    state: Mutex<State>,
    /// Held while the shared ledger is told of a slice, so that the last word is the latest.
    telling: futures::lock::Mutex<()>,
    /// Scopes that were given limits.
    limited: LimitedScopes,
    /// What those without have used.
    meters: Meters,
}

impl fmt::Debug for Sliced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sliced")
    }
}

impl State {
    /// Takes the amount from runs and slices, or from none.
    fn take(&mut self, keys: &Arc<[BudgetKey]>, amount: Money) -> Result<u64, Short> {
        refuse_negative(amount).map_err(Short::Refused)?;
        let mut slices = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let taken = if key.kind == BudgetKind::Run {
                // A run that was not opened has no limit.
                let account = self.runs.get_mut(key);
                let held = account.map_or(Ok(()), |account| account.hold(key.kind, amount));
                held.map(|()| 0).map_err(Short::Refused)
            } else {
                self.slice_with(key, amount).ok_or(Short::Slice(at))
            };
            match taken {
                Ok(number) => slices.push(number),
                Err(short) => {
                    self.put_back(keys, &slices, (amount, amount));
                    return Err(short);
                }
            }
        }
        self.last += 1;
        let keys = Arc::clone(keys);
        self.open.insert(self.last, Open { keys, amount, counts: amount, slices });
        Ok(self.last)
    }

    fn slice_with(&mut self, key: &BudgetKey, amount: Money) -> Option<u64> {
        let slices = self.slices.get_mut(key)?;
        let slice = slices.iter_mut().find(|slice| slice.free() >= amount)?;
        slice.held = slice.held.checked_add(amount).ok()?;
        Some(slice.reservation.number)
    }

    fn slice(&mut self, key: &BudgetKey, number: u64) -> Option<&mut Slice> {
        let slices = self.slices.get_mut(key)?;
        slices.iter_mut().find(|slice| slice.reservation.number == number)
    }

    /// Frees what was held in the first keys, as many as there are slices: in runs the first amount,
    /// in slices the second.
    fn put_back(&mut self, keys: &[BudgetKey], slices: &[u64], (amount, counts): (Money, Money)) {
        for (key, number) in keys.iter().zip(slices) {
            if key.kind == BudgetKind::Run {
                if let Some(account) = self.runs.get_mut(key) {
                    account.free(amount);
                }
            } else if let Some(slice) = self.slice(key, *number) {
                slice.held = slice.held.checked_sub(counts).unwrap_or_default();
            }
        }
    }

    /// Books what a call has used. With it go the slices to be told of it: those of a call that has
    /// used more than it counted for.
    fn settle(&mut self, number: u64, used: Money) -> Result<Vec<(BudgetKey, u64)>> {
        let Some(open) = self.open.remove(&number) else { return Ok(Vec::new()) };
        // Checked first: what does not fit must leave everything as it is.
        if let Err(error) = self.can_book(&open, used) {
            self.open.insert(number, open);
            return Err(error);
        }
        self.put_back(&open.keys, &open.slices, (open.amount, open.counts));
        let mut told = Vec::new();
        for (key, number) in open.keys.iter().zip(&open.slices) {
            if let Some(account) = self.runs.get_mut(key) {
                account.book(used)?;
            } else if let Some(slice) = self.slice(key, *number) {
                slice.spent = slice.spent.checked_add(used).map_err(out_of_range)?;
                if let Some(beyond) =
                    used.checked_sub(open.counts).ok().filter(|b| *b > Money::ZERO)
                {
                    slice.told = slice.told.checked_add(beyond).map_err(out_of_range)?;
                    told.push((key.clone(), *number));
                }
            }
        }
        Ok(told)
    }

    /// Notes what a call has used, and says which slices are to be told of it. A run that cannot go
    /// on is an error.
    fn report(&mut self, number: u64, seen: Money) -> Result<Vec<(BudgetKey, u64)>> {
        refuse_negative(seen)?;
        let Some(open) = self.open.get_mut(&number) else { return Ok(Vec::new()) };
        let before = std::mem::replace(&mut open.counts, seen);
        let (keys, slices, amount) = (Arc::clone(&open.keys), open.slices.clone(), open.amount);
        let mut told = Vec::new();
        let mut verdict = Ok(());
        for (key, number) in keys.iter().zip(slices) {
            if let Some(account) = self.runs.get(key) {
                verdict = verdict.and(account.may_go_on(key.kind, amount, seen));
            } else if let Some(slice) = self.slice(key, number) {
                let moved = |money: Money| money.checked_sub(before)?.checked_add(seen);
                slice.held = moved(slice.held).map_err(out_of_range)?;
                slice.told = moved(slice.told).map_err(out_of_range)?;
                told.push((key.clone(), number));
            }
        }
        verdict.map(|()| told)
    }

    /// What a slice is worth to the shared ledger if this process dies now.
    fn told(&mut self, key: &BudgetKey, number: u64) -> Option<(Arc<Reservation>, Money)> {
        let slice = self.slice(key, number)?;
        Some((Arc::clone(&slice.reservation), slice.told))
    }

    fn can_book(&mut self, open: &Open, used: Money) -> Result<()> {
        Account::default().can_book(used)?;
        for (key, number) in open.keys.iter().zip(&open.slices) {
            if let Some(account) = self.runs.get(key) {
                account.can_book(used)?;
            } else if let Some(slice) = self.slice(key, *number) {
                slice.spent.checked_add(used).map_err(out_of_range)?;
            }
        }
        Ok(())
    }

    /// Takes out the slices of a key, or of all, that no call holds anything of.
    fn idle(&mut self, key: Option<&BudgetKey>) -> Vec<Slice> {
        let mut idle = Vec::new();
        for (of, slices) in &mut self.slices {
            if key.is_none_or(|key| key == of) {
                idle.extend(slices.extract_if(.., |slice| slice.is_idle()));
            }
        }
        idle
    }

    /// What can be reserved from a key at once, of `left` in the shared account.
    fn reach(&self, key: &BudgetKey, left: Money) -> Money {
        let slices = self.slices.get(key).map_or(&[][..], Vec::as_slice);
        let idle = slices.iter().filter(|slice| slice.is_idle()).map(Slice::free);
        let together = idle.fold(left, |sum, free| sum.checked_add(free).unwrap_or(Money::MAX));
        slices.iter().map(Slice::free).fold(together, Money::max)
    }
}

/// A reservation that is kept here.
fn here(number: u64, keys: &Arc<[BudgetKey]>, amount: Money) -> Reservation {
    Reservation { owner: HERE, number, amount, keys: Arc::clone(keys) }
}

impl Sliced {
    /// Over the ledger that processes share.
    pub fn new(shared: Arc<dyn Ledger>) -> Self {
        let telling = futures::lock::Mutex::default();
        let (limited, meters) = (LimitedScopes::default(), Meters::default());
        Self { shared, state: Mutex::default(), telling, limited, meters }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, keys: &Arc<[BudgetKey]>, amount: Money) -> Result<Reservation> {
        loop {
            let short = match self.state().take(keys, amount) {
                Ok(number) => return Ok(here(number, keys, amount)),
                Err(short) => short,
            };
            let at = match short {
                Short::Slice(at) => at,
                Short::Refused(error) => return Err(error),
            };
            if let Some(key) = keys.get(at) {
                self.refill(key, amount).await?;
            }
        }
    }

    /// Leases another slice. What is left of others that nobody uses goes back first, so that it
    /// can be part of the new one.
    async fn refill(&self, key: &BudgetKey, amount: Money) -> Result<()> {
        let idle = self.state().idle(Some(key));
        self.give_back(idle).await?;
        let most = Money::from_nanos(amount.nanos().saturating_mul(CALLS));
        let reservation = self.shared.lease(key, amount, most).await?;
        let (told, reservation) = (reservation.amount, Arc::new(reservation));
        let slice = Slice { reservation, spent: Money::ZERO, held: Money::ZERO, told };
        self.state().slices.entry(key.clone()).or_default().push(slice);
        Ok(())
    }

    /// Settles slices; those that could not be stay, and are settled the next time.
    async fn give_back(&self, slices: Vec<Slice>) -> Result<()> {
        let mut failed = None;
        for slice in slices {
            if let Err(error) = self.shared.settle(&slice.reservation, slice.spent).await {
                let Some(key) = slice.reservation.keys.first().cloned() else { continue };
                self.state().slices.entry(key).or_default().push(slice);
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn left(&self, keys: &Arc<[BudgetKey]>) -> Result<Option<Money>> {
        let mut tightest: Option<Money> = None;
        for key in keys.iter() {
            let left = if key.kind == BudgetKind::Run {
                self.state().runs.get(key).and_then(Account::left)
            } else {
                let left = self.shared.account(key).await?.left();
                left.map(|left| self.state().reach(key, left))
            };
            tightest = match (tightest, left) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Ok(tightest)
    }

    /// Tells the shared ledger what slices are worth.
    async fn tell(&self, slices: Vec<(BudgetKey, u64)>) -> Result<()> {
        let _alone = self.telling.lock().await;
        let mut verdict = Ok(());
        for (key, number) in slices {
            let Some((slice, told)) = self.state().told(&key, number) else { continue };
            verdict = verdict.and(self.shared.report(&slice, told).await);
        }
        verdict
    }

    /// Gives every slice back that no call holds anything of, and tells what was used beside them.
    /// Called by itself when the last run is closed.
    pub async fn flush(&self) -> Result<()> {
        let idle = self.state().idle(None);
        let given_back = self.give_back(idle).await;
        given_back.and(self.meters.write(&self.shared).await)
    }
}

impl Ledger for Sliced {
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        self.take(keys, amount).boxed()
    }

    fn reserve_now(&self, keys: &Arc<[BudgetKey]>, amount: Money) -> Option<Result<Reservation>> {
        match self.state().take(keys, amount) {
            Ok(number) => Some(Ok(here(number, keys, amount))),
            Err(Short::Refused(error)) => Some(Err(error)),
            // Another slice has to be leased.
            Err(Short::Slice(_)) => None,
        }
    }

    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        self.shared.lease(key, least, most)
    }

    fn report<'a>(
        &'a self,
        reservation: &'a Reservation,
        seen: Money,
    ) -> BoxFuture<'a, Result<()>> {
        if reservation.owner != HERE {
            return self.shared.report(reservation, seen);
        }
        match self.state().report(reservation.number, seen) {
            Ok(slices) if slices.is_empty() => std::future::ready(Ok(())).boxed(),
            Ok(slices) => self.tell(slices).boxed(),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }

    fn settle<'a>(
        &'a self,
        reservation: &'a Reservation,
        used: Money,
    ) -> BoxFuture<'a, Result<()>> {
        if reservation.owner != HERE {
            return self.shared.settle(reservation, used);
        }
        let (settled, over) = {
            let mut state = self.state();
            let is_open = state.open.contains_key(&reservation.number);
            let settled = state.settle(reservation.number, used);
            let metered = BudgetKey::metered(&reservation.keys).filter(|_| is_open);
            let settled = settled.and_then(|told| match metered {
                Some(tenant) => self.meters.add(tenant, used).map(|()| told),
                None => Ok(told),
            });
            (settled, state.runs.is_empty())
        };
        async move {
            let told = settled?;
            if over {
                // The last run is closed: what it left open does not keep its slices. Those that
                // cannot be given back now are given back the next time.
                let _kept = self.flush().await;
            }
            if !told.is_empty() {
                // Over its limit or not: the call is over.
                let _verdict = self.tell(told).await;
            }
            Ok(())
        }
        .boxed()
    }

    fn meter<'a>(&'a self, tenant: &'a TenantId, used: Money) -> BoxFuture<'a, Result<()>> {
        self.shared.meter(tenant, used)
    }

    fn available<'a>(&'a self, keys: &'a Arc<[BudgetKey]>) -> BoxFuture<'a, Result<Option<Money>>> {
        self.left(keys).boxed()
    }

    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, Result<()>> {
        self.limited.note(key, limits);
        self.shared.set_limits(key, limits)
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, Result<Account>> {
        if key.kind == BudgetKind::Run {
            let account = self.state().runs.get(key).copied().unwrap_or_default();
            return std::future::ready(Ok(account)).boxed();
        }
        async move {
            if key.kind == BudgetKind::Tenant {
                self.meters.write(&self.shared).await?;
            }
            self.shared.account(key).await
        }
        .boxed()
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>> {
        let mut state = self.state();
        let account = state.runs.entry(key.clone()).or_default();
        (account.limits, account.spent) = (BudgetLimits::total(limit), spent);
        std::future::ready(Ok(())).boxed()
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        let over = {
            let mut state = self.state();
            state.runs.remove(key);
            state.runs.is_empty()
        };
        async move {
            // What stays behind is booked in full when this process is gone, or told the next time.
            let _kept =
                if over { self.flush().await } else { self.meters.write(&self.shared).await };
        }
        .boxed()
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        self.limited.around_run(scope, agent)
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Vec<Expired>>> {
        self.shared.sweep()
    }
}
