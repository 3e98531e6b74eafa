//! The laws of a ledger, whatever it is made of. Each function is one law and panics where it does
//! not hold; a form of the ledger runs them all with [`all`].

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a law that does not hold fails the test that runs it"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use largestack_ports::BoxFuture;
use largestack_ports::clock::FakeClock;
use largestack_ports::ledger::{BudgetKey, BudgetKind, BudgetLimits, Ledger};
use largestack_types::errors::{Code, Coded, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use crate::dice::Dice;

/// A form of the ledger: one set of accounts that owners share.
pub trait Form: Send + Sync + 'static {
    /// An owner of reservations; gone when it is dropped.
    fn owner(&self, number: u128) -> Arc<dyn Ledger>;

    /// The time of the accounts.
    fn clock(&self) -> FakeClock;

    /// Waits until an owner that was dropped is known to be gone.
    fn gone(&self, _number: u128) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Whether an owner holds slices instead of single reservations, so that what it leaves behind
    /// is more than its open calls.
    fn slices(&self) -> bool {
        false
    }
}

type Forms<'a> = &'a dyn Fn() -> Box<dyn Form>;

/// A day.
const DAY: Duration = Duration::from_hours(24);

fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

fn key(kind: BudgetKind, name: &str) -> BudgetKey {
    BudgetKey::new(&Scope::local(), kind, name)
}

fn keys<const N: usize>(keys: [&BudgetKey; N]) -> Arc<[BudgetKey]> {
    keys.into_iter().cloned().collect()
}

fn total(amount: i64) -> BudgetLimits {
    BudgetLimits::total(Some(nanos(amount)))
}

/// What a refusal says: scope, spent or reserved, asked for, limit.
fn refusal<T>(result: Result<T>) -> (String, i64, i64, i64) {
    match result {
        Err(LargestackError::BudgetExceededError(e)) => {
            (e.scope.to_string(), e.committed.nanos(), e.needed.nanos(), e.budget.nanos())
        }
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

/// Every law, each over accounts of its own.
pub async fn all(forms: Forms<'_>) {
    a_limit_has_two_sides(&*forms()).await;
    all_scopes_or_none(&*forms()).await;
    what_is_settled_frees_the_rest_and_settling_again_changes_nothing(&*forms()).await;
    more_than_was_set_aside_is_booked_and_then_nothing_fits(&*forms()).await;
    days_and_months_begin_anew_and_the_total_does_not(&*forms()).await;
    a_limit_can_be_changed_and_what_was_spent_stays(&*forms()).await;
    negative_and_too_large_amounts_are_refused(&*forms()).await;
    tenants_have_accounts_of_their_own(&*forms()).await;
    runs_are_opened_with_what_they_spent_and_forgotten_when_closed(&*forms()).await;
    slices_shrink_with_what_is_left(&*forms()).await;
    what_an_owner_leaves_behind_is_settled_by_whoever_needs_it(&*forms()).await;
    many_at_once_never_pass_a_limit_and_add_up(Arc::from(forms())).await;
    let form = forms();
    if !form.slices() {
        a_late_settlement_replaces_the_estimate(&*form).await;
    }
}

async fn available(ledger: &dyn Ledger, key: &BudgetKey) -> Option<i64> {
    let left = ledger.available(&keys([key])).await.unwrap();
    left.map(Money::nanos)
}

async fn a_limit_has_two_sides(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    assert_eq!(available(&*ledger, &agent).await, None);
    ledger.set_limits(&agent, total(100)).await.unwrap();
    let scopes = keys([&agent]);
    let refused = ledger.reserve(&scopes, nanos(101)).await;
    assert_eq!(refusal(refused), ("agent".to_owned(), 0, 101, 100));
    let first = ledger.reserve(&scopes, nanos(60)).await.unwrap();
    let refused = refusal(ledger.reserve(&scopes, nanos(41)).await);
    assert_eq!((refused.0.as_str(), refused.2, refused.3), ("agent", 41, 100));
    let second = ledger.reserve(&scopes, nanos(40)).await.unwrap();
    assert_eq!(available(&*ledger, &agent).await, Some(0));
    refusal(ledger.reserve(&scopes, nanos(1)).await);
    ledger.settle(&first, nanos(60)).await.unwrap();
    ledger.settle(&second, nanos(40)).await.unwrap();
    let account = ledger.account(&agent).await.unwrap();
    assert_eq!((account.spent, account.reserved), (nanos(100), Money::ZERO));
    assert_eq!(account.estimated, Money::ZERO);
    assert_eq!(refusal(ledger.reserve(&scopes, nanos(1)).await).1, 100);
    let nothing = ledger.reserve(&scopes, Money::ZERO).await.unwrap();
    ledger.release(&nothing).await.unwrap();
}

async fn all_scopes_or_none(form: &dyn Form) {
    let ledger = form.owner(1);
    let (agent, tenant) = (key(BudgetKind::Agent, "a"), BudgetKey::tenant(&Scope::local()));
    ledger.set_limits(&agent, total(100)).await.unwrap();
    ledger.set_limits(&tenant, total(50)).await.unwrap();
    let scopes = keys([&agent, &tenant]);
    assert_eq!(refusal(ledger.reserve(&scopes, nanos(60)).await).0, "tenant");
    assert_eq!(available(&*ledger, &agent).await, Some(100));
    assert_eq!(ledger.available(&scopes).await.unwrap(), Some(nanos(50)));
    let taken = ledger.reserve(&scopes, nanos(50)).await.unwrap();
    // All that is left, less what a slice in use has beside.
    assert!(matches!(available(&*ledger, &agent).await, Some(40..=50)));
    ledger.settle(&taken, nanos(7)).await.unwrap();
    for key in [&agent, &tenant] {
        let account = ledger.account(key).await.unwrap();
        assert_eq!((account.spent, account.reserved), (nanos(7), Money::ZERO), "{key}");
    }
}

async fn what_is_settled_frees_the_rest_and_settling_again_changes_nothing(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    ledger.set_limits(&agent, total(100)).await.unwrap();
    let scopes = keys([&agent]);
    let taken = ledger.reserve(&scopes, nanos(80)).await.unwrap();
    for used in [30, 30, 75] {
        ledger.settle(&taken, nanos(used)).await.unwrap();
        let account = ledger.account(&agent).await.unwrap();
        assert_eq!((account.spent, account.reserved), (nanos(30), Money::ZERO));
    }
    ledger.release(&taken).await.unwrap();
    assert_eq!(available(&*ledger, &agent).await, Some(70));
    let unused = ledger.reserve(&scopes, nanos(70)).await.unwrap();
    ledger.release(&unused).await.unwrap();
    assert_eq!(available(&*ledger, &agent).await, Some(70));
}

async fn more_than_was_set_aside_is_booked_and_then_nothing_fits(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    ledger.set_limits(&agent, total(100)).await.unwrap();
    let taken = ledger.reserve(&keys([&agent]), nanos(90)).await.unwrap();
    ledger.settle(&taken, nanos(120)).await.unwrap();
    assert_eq!(ledger.account(&agent).await.unwrap().spent, nanos(120));
    assert_eq!(available(&*ledger, &agent).await, Some(0));
    let refused = refusal(ledger.reserve(&keys([&agent]), nanos(1)).await);
    assert_eq!(refused, ("agent".to_owned(), 120, 1, 100));
}

async fn days_and_months_begin_anew_and_the_total_does_not(form: &dyn Form) {
    let (ledger, clock) = (form.owner(1), form.clock());
    let agent = key(BudgetKind::Agent, "a");
    let limits = BudgetLimits { total: None, day: Some(nanos(10)), month: Some(nanos(35)) };
    ledger.set_limits(&agent, limits).await.unwrap();
    let scopes = keys([&agent]);
    let spend = async |amount| {
        let taken = ledger.reserve(&scopes, nanos(amount)).await?;
        ledger.settle(&taken, nanos(amount)).await
    };
    spend(10).await.unwrap();
    assert_eq!(refusal(spend(1).await), ("daily agent".to_owned(), 10, 1, 10));
    // From the first of January to the second, third and fourth.
    for _ in 0..3 {
        clock.advance(DAY);
        let whole = if ledger.account(&agent).await.unwrap().spent == nanos(30) { 5 } else { 10 };
        spend(whole).await.unwrap();
    }
    assert_eq!(refusal(spend(1).await), ("monthly agent".to_owned(), 35, 1, 35));
    clock.advance(DAY * 28);
    for _ in 0..3 {
        spend(10).await.unwrap();
        clock.advance(DAY);
    }
    assert_eq!(refusal(spend(6).await).0, "monthly agent");
    spend(5).await.unwrap();
    clock.advance(DAY * 40);
    let whole = BudgetLimits { total: Some(nanos(70)), ..limits };
    ledger.set_limits(&agent, whole).await.unwrap();
    assert_eq!(refusal(spend(1).await), ("agent".to_owned(), 70, 1, 70));
    // A call over midnight is held in both days and booked in the second.
    ledger.set_limits(&agent, limits).await.unwrap();
    let over_midnight = ledger.reserve(&scopes, nanos(8)).await.unwrap();
    clock.advance(DAY);
    assert_eq!(refusal(spend(3).await).0, "daily agent");
    ledger.settle(&over_midnight, nanos(8)).await.unwrap();
    assert_eq!(ledger.account(&agent).await.unwrap().spent_day, nanos(8));
    assert_eq!(refusal(spend(3).await).0, "daily agent");
    spend(2).await.unwrap();
}

async fn a_limit_can_be_changed_and_what_was_spent_stays(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    ledger.set_limits(&agent, total(100)).await.unwrap();
    let scopes = keys([&agent]);
    let taken = ledger.reserve(&scopes, nanos(40)).await.unwrap();
    ledger.settle(&taken, nanos(40)).await.unwrap();
    ledger.set_limits(&agent, total(30)).await.unwrap();
    assert_eq!(refusal(ledger.reserve(&scopes, nanos(1)).await).1, 40);
    ledger.set_limits(&agent, total(41)).await.unwrap();
    assert_eq!(available(&*ledger, &agent).await, Some(1));
    ledger.set_limits(&agent, BudgetLimits::default()).await.unwrap();
    assert_eq!(available(&*ledger, &agent).await, None);
    let taken = ledger.reserve(&scopes, nanos(1_000)).await.unwrap();
    ledger.settle(&taken, nanos(1)).await.unwrap();
    assert_eq!(ledger.account(&agent).await.unwrap().spent, nanos(41));
}

async fn negative_and_too_large_amounts_are_refused(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    let scopes = keys([&agent]);
    let code = |result: Result<()>| result.unwrap_err().code();
    assert_eq!(code(ledger.reserve(&scopes, nanos(-1)).await.map(drop)), Code::Budget);
    let taken = ledger.reserve(&scopes, nanos(5)).await.unwrap();
    assert_eq!(code(ledger.settle(&taken, nanos(-1)).await), Code::Budget);
    // What could not be settled is still held, and can be.
    ledger.settle(&taken, nanos(5)).await.unwrap();
    assert_eq!(ledger.account(&agent).await.unwrap().spent, nanos(5));
    assert_eq!(code(ledger.reserve(&scopes, Money::MAX).await.map(drop)), Code::Budget);
    let account = ledger.account(&agent).await.unwrap();
    assert_eq!((account.spent, account.reserved), (nanos(5), Money::ZERO));
}

async fn tenants_have_accounts_of_their_own(form: &dyn Form) {
    let ledger = form.owner(1);
    let of = |tenant: &str| {
        let tenant = TenantId::new(tenant).unwrap();
        let scope = Scope::authenticated(tenant, "ann");
        BudgetKey::user(&scope)
    };
    let (ours, theirs) = (of("acme"), of("other"));
    ledger.set_limits(&ours, total(10)).await.unwrap();
    let taken = ledger.reserve(&keys([&ours]), nanos(10)).await.unwrap();
    assert_eq!(available(&*ledger, &theirs).await, None);
    let free = ledger.reserve(&keys([&theirs]), nanos(10)).await.unwrap();
    ledger.settle(&free, nanos(3)).await.unwrap();
    ledger.settle(&taken, nanos(10)).await.unwrap();
    assert_eq!(ledger.account(&ours).await.unwrap().spent, nanos(10));
    assert_eq!(ledger.account(&theirs).await.unwrap().spent, nanos(3));
}

async fn runs_are_opened_with_what_they_spent_and_forgotten_when_closed(form: &dyn Form) {
    let ledger = form.owner(1);
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(7));
    ledger.open(&run, Some(nanos(100)), nanos(60)).await.unwrap();
    let scopes = keys([&run]);
    assert_eq!(refusal(ledger.reserve(&scopes, nanos(41)).await), ("run".to_owned(), 60, 41, 100));
    let taken = ledger.reserve(&scopes, nanos(40)).await.unwrap();
    ledger.settle(&taken, nanos(10)).await.unwrap();
    assert_eq!(available(&*ledger, &run).await, Some(30));
    let late = ledger.reserve(&scopes, nanos(5)).await.unwrap();
    ledger.close(&run).await;
    // A call that ends after its run is nobody's concern.
    ledger.settle(&late, nanos(5)).await.unwrap();
    assert_eq!(available(&*ledger, &run).await, None);
    ledger.open(&run, Some(nanos(100)), nanos(75)).await.unwrap();
    assert_eq!(available(&*ledger, &run).await, Some(25));
}

async fn slices_shrink_with_what_is_left(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    ledger.set_limits(&agent, total(1_000)).await.unwrap();
    let lease = async |least, most| ledger.lease(&agent, nanos(least), nanos(most)).await;
    let large = lease(10, 80).await.unwrap();
    assert_eq!(large.amount, nanos(80));
    let quarter = lease(10, 10_000).await.unwrap();
    assert_eq!(quarter.amount, nanos(920 / 4));
    let rest = lease(600, 10_000).await.unwrap();
    assert_eq!(rest.amount, nanos(600));
    let last = lease(90, 10_000).await.unwrap();
    assert_eq!((last.amount, available(&*ledger, &agent).await), (nanos(90), Some(0)));
    assert_eq!(refusal(lease(1, 10_000).await), ("agent".to_owned(), 1_000, 1, 1_000));
    for slice in [large, quarter, rest, last] {
        ledger.settle(&slice, nanos(1)).await.unwrap();
    }
    let account = ledger.account(&agent).await.unwrap();
    assert_eq!((account.spent, account.reserved), (nanos(4), Money::ZERO));
}

async fn what_an_owner_leaves_behind_is_settled_by_whoever_needs_it(form: &dyn Form) {
    let (agent, scopes) = (key(BudgetKind::Agent, "a"), keys([&key(BudgetKind::Agent, "a")]));
    let survivor = form.owner(1);
    survivor.set_limits(&agent, total(100)).await.unwrap();
    let dies = form.owner(2);
    let silent = dies.reserve(&scopes, nanos(30)).await.unwrap();
    let told = dies.reserve(&scopes, nanos(50)).await.unwrap();
    dies.report(&told, nanos(8)).await.unwrap();
    assert_eq!(survivor.sweep().await.unwrap(), [], "its owner lives");
    refusal(survivor.reserve(&scopes, nanos(21)).await);
    drop((silent, told));
    drop(dies);
    form.gone(2).await;
    if form.slices() {
        // Its slices are booked whole: nobody knows what it did with them.
        let expired = survivor.sweep().await.unwrap();
        assert!(!expired.is_empty() && expired.iter().all(|e| e.in_full), "{expired:?}");
        let account = survivor.account(&agent).await.unwrap();
        assert!(account.spent >= nanos(80) && account.spent <= nanos(100), "{account:?}");
        assert_eq!((account.estimated, account.reserved), (account.spent, Money::ZERO));
        return;
    }
    // Found by who needs it: 30 in full and 8 as reported leave 62.
    let taken = survivor.reserve(&scopes, nanos(62)).await.unwrap();
    survivor.release(&taken).await.unwrap();
    let account = survivor.account(&agent).await.unwrap();
    assert_eq!((account.spent, account.estimated), (nanos(38), nanos(38)));
    assert_eq!(account.reserved, Money::ZERO);
    assert_eq!(survivor.sweep().await.unwrap(), [], "once");
    let dies = form.owner(3);
    let left = dies.reserve(&scopes, nanos(5)).await.unwrap();
    drop((left, dies));
    form.gone(3).await;
    let expired = survivor.sweep().await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!((expired[0].booked, expired[0].in_full), (nanos(5), true));
    assert_eq!(*expired[0].keys, *scopes);
}

async fn a_late_settlement_replaces_the_estimate(form: &dyn Form) {
    let (agent, scopes) = (key(BudgetKind::Agent, "a"), keys([&key(BudgetKind::Agent, "a")]));
    let survivor = form.owner(1);
    survivor.set_limits(&agent, total(100)).await.unwrap();
    let dies = form.owner(2);
    let taken = dies.reserve(&scopes, nanos(40)).await.unwrap();
    drop(dies);
    form.gone(2).await;
    assert_eq!(survivor.sweep().await.unwrap().len(), 1);
    assert_eq!(survivor.account(&agent).await.unwrap().estimated, nanos(40));
    // It was only taken for gone, or somebody else knows what it did.
    for _ in 0..2 {
        survivor.settle(&taken, nanos(15)).await.unwrap();
        let account = survivor.account(&agent).await.unwrap();
        assert_eq!((account.spent, account.estimated), (nanos(15), Money::ZERO));
        assert_eq!(account.spent_day, nanos(15));
    }
}

/// Owners and their tasks, and what each may spend at the most at once.
const OWNERS: u64 = 3;
const TASKS: u64 = 4;
const CALLS: u64 = 40;

async fn many_at_once_never_pass_a_limit_and_add_up(form: Arc<dyn Form>) {
    let limit = nanos(6_000);
    let (agent, tenant) = (key(BudgetKind::Agent, "a"), BudgetKey::tenant(&Scope::local()));
    let watcher = form.owner(100);
    watcher.set_limits(&agent, BudgetLimits::total(Some(limit))).await.unwrap();
    watcher.set_limits(&tenant, BudgetLimits::total(Some(nanos(20_000)))).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let owners: Vec<_> = (1..=OWNERS).map(|owner| form.owner(owner.into())).collect();
    let mut tasks = Vec::new();
    for (number, owner) in owners.iter().enumerate() {
        for task in 0..TASKS {
            let (owner, watcher) = (Arc::clone(owner), Arc::clone(&watcher));
            let (agent, tenant, over) = (agent.clone(), tenant.clone(), Arc::clone(&over));
            let seed = number as u64 * 100 + task;
            tasks.push(tokio::runtime::Handle::current().spawn(async move {
                let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(seed.into()));
                owner.open(&run, None, Money::ZERO).await.unwrap();
                let (mut dice, mut spent) = (Dice::new(seed), 0);
                let scopes = keys([&run, &agent, &tenant]);
                for _ in 0..CALLS {
                    let worst = dice.up_to(60);
                    let Ok(taken) = owner.reserve(&scopes, nanos(worst)).await else { continue };
                    tokio::task::yield_now().await;
                    let account = watcher.account(&agent).await.unwrap();
                    let committed = account.spent.checked_add(account.reserved).unwrap();
                    over.fetch_or(committed > limit, Ordering::SeqCst);
                    let used = dice.up_to(worst);
                    owner.settle(&taken, nanos(used)).await.unwrap();
                    spent += used;
                }
                owner.close(&run).await;
                spent
            }));
        }
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    assert!(!over.load(Ordering::SeqCst), "a limit was passed");
    for key in [&agent, &tenant] {
        let account = watcher.account(key).await.unwrap();
        assert_eq!((account.spent, account.reserved), (nanos(sum), Money::ZERO), "{key}");
        assert_eq!(account.estimated, Money::ZERO);
    }
    assert!(sum <= limit.nanos() && sum > 0);
}
