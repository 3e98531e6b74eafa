//! What becomes of money that was set aside.

use largestack_ports::ledger::{BudgetKey, BudgetKind};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use super::{Form, available, key, keys, nanos, refusal, total};

pub(super) async fn what_is_settled_frees_the_rest_and_settling_again_changes_nothing(
    form: &dyn Form,
) {
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

pub(super) async fn more_than_was_set_aside_is_booked_and_then_nothing_fits(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    ledger.set_limits(&agent, total(100)).await.unwrap();
    let taken = ledger.reserve(&keys([&agent]), nanos(90)).await.unwrap();
    ledger.settle(&taken, nanos(120)).await.unwrap();
    assert_eq!(ledger.account(&agent).await.unwrap().spent, nanos(120));
    assert_eq!(available(&*ledger, &agent).await, Some(0));
    let refused = refusal(ledger.reserve(&keys([&agent]), nanos(1)).await);
    assert_eq!(refused, ("agent".to_owned(), 120, 1, 100));
}

pub(super) async fn runs_are_opened_with_what_they_spent_and_forgotten_when_closed(
    form: &dyn Form,
) {
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
