//! Budgets under schedules that dice decide: drivers that share a ledger are polled one step at a
//! time, in any order, and die between any two steps; others come after them. After every step the
//! accounts say what a model of them says, and no limit is passed. A schedule is its seed: what fails
//! once fails again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::ledger::{
    Account, BudgetKey, BudgetKind, BudgetLimits, Expired, Ledger, MemoryLedger, Reservation,
    Sliced,
};
use largestack_testkit::Dice;
use largestack_types::errors::Result;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use proptest::prelude::*;

const CALLS: u32 = 8;
/// What agent and tenant may spend.
const LIMITS: [i64; 2] = [900, 1_000];

fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

/// The scopes that are shared: the agent and the tenant.
fn shared() -> [BudgetKey; 2] {
    let agent = BudgetKey::new(&Scope::local(), BudgetKind::Agent, "a");
    [agent, BudgetKey::tenant(&Scope::local())]
}

/// Money set aside that nobody has settled.
struct Open {
    owner: OwnerId,
    keys: Arc<[BudgetKey]>,
    amount: Money,
    reported: Option<Money>,
    /// What was booked for it when its owner was found gone.
    estimated: Option<Money>,
}

/// What the shared ledger should say.
#[derive(Default)]
struct Book {
    open: BTreeMap<u64, Open>,
    spent: BTreeMap<BudgetKey, i64>,
}

impl Book {
    fn opened(&mut self, taken: &Reservation) {
        let (owner, keys, amount) = (taken.owner, Arc::clone(&taken.keys), taken.amount);
        let open = Open { owner, keys, amount, reported: None, estimated: None };
        assert!(self.open.insert(taken.number, open).is_none(), "a number was used twice");
    }

    fn settled(&mut self, number: u64, used: Money) {
        let Some(open) = self.open.remove(&number) else { return };
        for key in open.keys.iter() {
            let estimated = open.estimated.unwrap_or_default();
            *self.spent.entry(key.clone()).or_default() += used.nanos() - estimated.nanos();
        }
    }

    /// What owners left behind that are none of these.
    fn swept(&mut self, alive: &BTreeSet<OwnerId>) {
        for open in self.open.values_mut().filter(|open| !alive.contains(&open.owner)) {
            if open.estimated.is_none() {
                let booked = open.reported.unwrap_or(open.amount);
                open.estimated = Some(booked);
                for key in open.keys.iter() {
                    *self.spent.entry(key.clone()).or_default() += booked.nanos();
                }
            }
        }
    }

    fn account(&self, key: &BudgetKey) -> (i64, i64, i64) {
        let of_it = || self.open.values().filter(|open| open.keys.contains(key));
        let held = of_it().filter(|open| open.estimated.is_none());
        let reserved = held.map(|open| open.amount.nanos()).sum();
        let estimated = of_it().filter_map(|open| open.estimated).map(Money::nanos).sum();
        (self.spent.get(key).copied().unwrap_or_default(), reserved, estimated)
    }
}

/// The shared ledger as one owner has it: every answer may take a while, before it is known here and
/// behind.
struct Slow {
    ledger: MemoryLedger,
    book: Arc<Mutex<Book>>,
    dice: Mutex<Dice>,
}

impl Slow {
    async fn wait(&self) {
        let steps = self.dice.lock().unwrap().up_to(2);
        for _ in 0..steps {
            futures::pending!();
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Notes what was set aside, before whoever asked hears of it.
    async fn noted(&self, taken: Result<Reservation>) -> Result<Reservation> {
        if let Ok(taken) = &taken {
            self.book().opened(taken);
        }
        self.wait().await;
        taken
    }
}

impl Ledger for Slow {
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        async move {
            self.wait().await;
            self.noted(self.ledger.reserve(keys, amount).await).await
        }
        .boxed()
    }

    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        async move {
            self.wait().await;
            self.noted(self.ledger.lease(key, least, most).await).await
        }
        .boxed()
    }

    fn report<'a>(&'a self, taken: &'a Reservation, seen: Money) -> BoxFuture<'a, Result<()>> {
        async move {
            self.wait().await;
            let reported = self.ledger.report(taken, seen).await;
            if let Some(open) = self.book().open.get_mut(&taken.number)
                && open.estimated.is_none()
            {
                open.reported = Some(seen);
            }
            self.wait().await;
            reported
        }
        .boxed()
    }

    fn settle<'a>(&'a self, taken: &'a Reservation, used: Money) -> BoxFuture<'a, Result<()>> {
        async move {
            self.wait().await;
            self.ledger.settle(taken, used).await.unwrap();
            self.book().settled(taken.number, used);
            self.wait().await;
            Ok(())
        }
        .boxed()
    }

    fn meter<'a>(&'a self, tenant: &'a TenantId, used: Money) -> BoxFuture<'a, Result<()>> {
        self.ledger.meter(tenant, used)
    }

    fn available<'a>(&'a self, keys: &'a Arc<[BudgetKey]>) -> BoxFuture<'a, Result<Option<Money>>> {
        self.ledger.available(keys)
    }

    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, Result<()>> {
        self.ledger.set_limits(key, limits)
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, Result<Account>> {
        self.ledger.account(key)
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>> {
        self.ledger.open(key, limit, spent)
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        self.ledger.close(key)
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        self.ledger.shared(scope, agent)
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Vec<Expired>>> {
        self.ledger.sweep()
    }
}

/// What one run has come to, over all its drivers.
#[derive(Default)]
struct Said {
    calls: u32,
    /// What its calls have really used.
    used: i64,
    /// What the ledger has been told of that.
    told: i64,
    /// The call under way: its reservation, what it has used, and what of that was told.
    under_way: Option<(Arc<Reservation>, i64, i64)>,
}

impl Said {
    /// A call that is over, or was cut off: whoever comes next makes another one.
    fn over(&mut self) -> Option<(Arc<Reservation>, i64)> {
        let (taken, used, told) = self.under_way.take()?;
        self.calls += 1;
        self.told += told;
        Some((taken, used))
    }
}

/// Drives a run from where it stands to its end.
async fn drive(ledger: Arc<dyn Ledger>, number: u128, said: Arc<Mutex<Said>>, mut dice: Dice) {
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(number));
    let [agent, tenant] = shared();
    let scopes: Arc<[BudgetKey]> = [run.clone(), agent, tenant].into();
    let spent = said.lock().unwrap().used;
    ledger.open(&run, None, nanos(spent)).await.unwrap();
    while said.lock().unwrap().calls < CALLS {
        let worst = dice.up_to(90);
        let Ok(taken) = ledger.reserve(&scopes, nanos(worst)).await else {
            said.lock().unwrap().calls += 1;
            continue;
        };
        let taken = Arc::new(taken);
        said.lock().unwrap().under_way = Some((Arc::clone(&taken), 0, 0));
        let mut used = 0;
        while dice.up_to(2) > 0 {
            let more = dice.up_to(worst - used);
            used += more;
            {
                let mut said = said.lock().unwrap();
                said.used += more;
                said.under_way.as_mut().unwrap().1 = used;
            }
            futures::pending!();
            // Beyond a limit that nobody lowers there is nothing to be told to stop for.
            ledger.report(&taken, nanos(used)).await.unwrap();
            said.lock().unwrap().under_way.as_mut().unwrap().2 = used;
        }
        ledger.settle(&taken, nanos(used)).await.unwrap();
        let mut said = said.lock().unwrap();
        said.under_way.as_mut().unwrap().2 = used;
        said.over();
    }
    ledger.close(&run).await;
}

struct Simulation {
    shared: MemoryLedger,
    book: Arc<Mutex<Book>>,
    dice: Dice,
    sliced: bool,
    owners: u128,
    alive: BTreeSet<OwnerId>,
    runs: Vec<Arc<Mutex<Said>>>,
    drivers: Vec<Option<(OwnerId, BoxFuture<'static, ()>)>>,
    /// Calls whose drivers have died, and of which somebody may still hear what they used.
    late: Vec<(Arc<Reservation>, i64)>,
}

impl Simulation {
    fn new(seed: u64, runs: usize, sliced: bool) -> Self {
        let shared_ledger = MemoryLedger::default();
        for (key, limit) in shared().iter().zip(LIMITS) {
            let limits = BudgetLimits::total(Some(nanos(limit)));
            now(shared_ledger.set_limits(key, limits)).unwrap();
        }
        let mut simulation = Self {
            shared: shared_ledger,
            book: Arc::default(),
            dice: Dice::new(seed),
            sliced,
            owners: 0,
            alive: BTreeSet::new(),
            runs: (0..runs).map(|_| Arc::default()).collect(),
            drivers: Vec::new(),
            late: Vec::new(),
        };
        for run in 0..runs {
            let driver = simulation.driver(run);
            simulation.drivers.push(Some(driver));
        }
        simulation
    }

    fn slow(&mut self) -> (OwnerId, Arc<dyn Ledger>) {
        self.owners += 1;
        let owner = OwnerId::from_u128(self.owners);
        let ledger = self.shared.another_owner(owner);
        let dice = Mutex::new(Dice::new(self.dice.roll()));
        (owner, Arc::new(Slow { ledger, book: Arc::clone(&self.book), dice }))
    }

    /// Another process that drives a run.
    fn driver(&mut self, run: usize) -> (OwnerId, BoxFuture<'static, ()>) {
        let (owner, slow) = self.slow();
        self.alive.insert(owner);
        let ledger = if self.sliced { Arc::new(Sliced::new(slow)) } else { slow };
        let (said, dice) = (Arc::clone(&self.runs[run]), Dice::new(self.dice.roll()));
        (owner, drive(ledger, run as u128 + 1, said, dice).boxed())
    }

    fn one_of(&mut self, many: usize) -> usize {
        usize::try_from(self.dice.roll() % many as u64).unwrap()
    }

    /// Somebody does one step, or dies; says whether anybody is left.
    fn step(&mut self, crashes: &mut u32) -> bool {
        let busy: Vec<usize> =
            (0..self.drivers.len()).filter(|at| self.drivers[*at].is_some()).collect();
        if busy.is_empty() {
            return false;
        }
        let at = busy[self.one_of(busy.len())];
        if *crashes > 0 && self.dice.up_to(24) == 0 {
            *crashes -= 1;
            let (owner, work) = self.drivers[at].take().unwrap();
            drop(work);
            self.alive.remove(&owner);
            let cut_off = self.runs[at].lock().unwrap().over();
            self.late.extend(cut_off.filter(|_| !self.sliced));
            self.drivers[at] = Some(self.driver(at));
        } else if !self.late.is_empty() && self.dice.up_to(40) == 0 {
            let (taken, used) = self.late.remove(0);
            now(self.shared.settle(&taken, nanos(used))).unwrap();
            self.book.lock().unwrap().settled(taken.number, nanos(used));
        } else {
            let mut context = Context::from_waker(Waker::noop());
            let (owner, work) = self.drivers[at].as_mut().unwrap();
            if let Poll::Ready(()) = work.poll_unpin(&mut context) {
                self.alive.remove(owner);
                self.drivers[at] = None;
            }
        }
        true
    }

    /// What must hold at any moment.
    fn check(&self) {
        now(self.shared.sweep()).unwrap();
        let mut book = self.book.lock().unwrap();
        book.swept(&self.alive);
        for (key, limit) in shared().iter().zip(LIMITS) {
            let account = now(self.shared.account(key)).unwrap();
            let said = (account.spent.nanos(), account.reserved.nanos(), account.estimated.nanos());
            assert_eq!(said, book.account(key), "{key}");
            assert!(said.0 + said.1 <= limit, "{key} has {limit}, and {said:?}");
        }
    }

    /// What must hold when everybody is gone.
    fn check_end(&self, crashed: bool) {
        let sum = |of: fn(&Said) -> i64| self.runs.iter().map(|run| of(&run.lock().unwrap())).sum();
        let (used, told): (i64, i64) = (sum(|said| said.used), sum(|said| said.told));
        for key in &shared() {
            let account = now(self.shared.account(key)).unwrap();
            let (spent, estimated) = (account.spent.nanos(), account.estimated.nanos());
            assert_eq!(account.reserved, Money::ZERO, "{key}");
            assert!(spent >= told, "{key}: {spent} booked, and {told} were told");
            assert!(
                spent - estimated <= used,
                "{key}: {spent}, of which {estimated} are estimated"
            );
            assert!(crashed || (spent, estimated) == (used, 0), "{key}: {spent} of {used}");
        }
    }
}

/// The ledger in memory answers at once.
fn now<T>(future: BoxFuture<'_, T>) -> T {
    future.now_or_never().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn budgets_add_up_under_every_schedule_of_drivers_that_die(
        seed: u64,
        runs in 1..5_usize,
        crashes in 0..6_u32,
        sliced: bool,
    ) {
        let mut simulation = Simulation::new(seed, runs, sliced);
        let mut left = crashes;
        for _ in 0..50_000 {
            if !simulation.step(&mut left) {
                break;
            }
            simulation.check();
        }
        prop_assert!(simulation.drivers.iter().all(Option::is_none), "somebody waits for ever");
        simulation.check();
        simulation.check_end(left < crashes);
    }
}
