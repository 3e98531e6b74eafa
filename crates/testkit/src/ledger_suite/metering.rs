//! What tenants spend that have no limit.

use std::sync::Arc;

use largestack_ports::ledger::{BudgetKey, BudgetKind, Ledger};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use super::{Form, key, keys, nanos, refusal, total};

fn run(scope: &Scope, number: u128) -> BudgetKey {
    BudgetKey::run_tree(scope, RunId::from_u128(number))
}

async fn spends(ledger: &dyn Ledger, on: &[&BudgetKey], amounts: &[i64]) {
    let scopes: Arc<[BudgetKey]> = on.iter().map(|key| (*key).clone()).collect();
    for amount in amounts {
        let taken = ledger.reserve(&scopes, nanos(50)).await.unwrap();
        ledger.report(&taken, nanos(1)).await.unwrap();
        ledger.settle(&taken, nanos(*amount)).await.unwrap();
    }
}

async fn spent(ledger: &dyn Ledger, scope: &Scope) -> (i64, i64, i64) {
    let account = ledger.account(&BudgetKey::tenant(scope)).await.unwrap();
    (account.spent.nanos(), account.spent_day.nanos(), account.reserved.nanos())
}

pub(super) async fn what_a_tenant_without_a_limit_spends_is_known_to_the_nano_dollar(
    form: &dyn Form,
) {
    let (one, other) = (form.owner(1), form.owner(2));
    let (scope, agent) = (Scope::local(), key(BudgetKind::Agent, "a"));
    let (parent, child) = (run(&scope, 1), run(&scope, 2));
    one.open(&parent, None, Money::ZERO).await.unwrap();
    one.open(&child, Some(nanos(1_000)), Money::ZERO).await.unwrap();
    spends(&*one, &[&parent], &[30, 0, 7]).await;
    // Counted once, however many runs are above it, and beside scopes that have a limit.
    one.set_limits(&agent, total(10_000)).await.unwrap();
    spends(&*one, &[&parent, &child], &[5]).await;
    spends(&*one, &[&parent, &agent], &[100]).await;
    // Settled once, however often it is said; what goes beyond is known as well.
    let taken = one.reserve(&keys([&parent]), nanos(1)).await.unwrap();
    for _ in 0..2 {
        one.settle(&taken, nanos(11)).await.unwrap();
    }
    assert_eq!(spent(&*one, &scope).await, (153, 153, 0));
    // Of a run that was opened with what it had spent, only what it spends now.
    other.open(&run(&scope, 3), None, nanos(77)).await.unwrap();
    spends(&*other, &[&run(&scope, 3)], &[2]).await;
    for ledger in [&one, &other] {
        for number in 1..4 {
            ledger.close(&run(&scope, number)).await;
        }
    }
    for ledger in [&one, &other] {
        assert_eq!(spent(&**ledger, &scope).await, (155, 155, 0), "for every owner");
    }
    let elsewhere = Scope::authenticated(TenantId::new("elsewhere").unwrap(), "eve");
    assert_eq!(spent(&*one, &elsewhere).await, (0, 0, 0));
    spends(&*one, &[&run(&elsewhere, 9)], &[3]).await;
    assert_eq!(spent(&*one, &elsewhere).await, (3, 3, 0));
}

pub(super) async fn a_limit_that_comes_later_counts_what_was_spent_before(form: &dyn Form) {
    let (ledger, scope) = (form.owner(1), Scope::local());
    let (run, tenant) = (run(&scope, 1), BudgetKey::tenant(&scope));
    ledger.open(&run, None, Money::ZERO).await.unwrap();
    spends(&*ledger, &[&run], &[40]).await;
    let begun_before = ledger.reserve(&keys([&run]), nanos(50)).await.unwrap();
    ledger.close(&run).await;
    ledger.set_limits(&tenant, total(50)).await.unwrap();
    let both = keys([&run, &tenant]);
    assert_eq!(refusal(ledger.reserve(&both, nanos(11)).await), ("tenant".to_owned(), 40, 11, 50));
    let begun_after = ledger.reserve(&both, nanos(8)).await.unwrap();
    ledger.settle(&begun_before, nanos(2)).await.unwrap();
    ledger.set_limits(&tenant, total(60)).await.unwrap();
    ledger.settle(&begun_after, nanos(8)).await.unwrap();
    ledger.open(&run, None, Money::ZERO).await.unwrap();
    ledger.close(&run).await;
    assert_eq!(spent(&*ledger, &scope).await, (50, 50, 0));
}

pub(super) async fn a_tenant_among_the_keys_is_booked_once(form: &dyn Form) {
    let (ledger, scope) = (form.owner(1), Scope::local());
    let (run, tenant) = (run(&scope, 1), BudgetKey::tenant(&scope));
    ledger.set_limits(&tenant, total(1_000)).await.unwrap();
    ledger.open(&run, None, Money::ZERO).await.unwrap();
    spends(&*ledger, &[&run, &tenant], &[30, 20]).await;
    ledger.close(&run).await;
    assert_eq!(spent(&*ledger, &scope).await, (50, 50, 0));
}

pub(super) async fn what_an_owner_leaves_behind_is_metered_too(form: &dyn Form) {
    let (gone, left, scope) = (form.owner(1), form.owner(2), Scope::local());
    gone.open(&run(&scope, 1), None, Money::ZERO).await.unwrap();
    let _unreported = gone.reserve(&keys([&run(&scope, 1)]), nanos(40)).await.unwrap();
    let reported = gone.reserve(&keys([&run(&scope, 1)]), nanos(40)).await.unwrap();
    gone.report(&reported, nanos(9)).await.unwrap();
    // Settled by who works for the tenant.
    assert_eq!(spent(&*left, &scope).await, (0, 0, 0));
    drop(gone);
    form.gone(1).await;
    // What others left of a tenant is looked after by whoever works for it.
    left.account(&BudgetKey::tenant(&scope)).await.unwrap();
    left.sweep().await.unwrap();
    let account = left.account(&BudgetKey::tenant(&scope)).await.unwrap();
    assert_eq!((account.spent, account.estimated), (nanos(49), nanos(49)));
}
