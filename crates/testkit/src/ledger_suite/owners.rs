//! What owners that are gone leave behind.

use largestack_ports::ledger::BudgetKind;
use largestack_types::money::Money;

use super::{Form, key, keys, nanos, refusal, total};

pub(super) async fn what_an_owner_leaves_behind_is_settled_by_whoever_needs_it(form: &dyn Form) {
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
        // What is left of its slices may have been used as well: nobody knows.
        assert!(!survivor.sweep().await.unwrap().is_empty());
        let account = survivor.account(&agent).await.unwrap();
        assert!(account.spent >= nanos(38) && account.spent <= nanos(100), "{account:?}");
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

pub(super) async fn a_late_settlement_replaces_the_estimate(form: &dyn Form) {
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
