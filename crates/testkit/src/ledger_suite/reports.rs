//! What calls say that they have cost so far.

use largestack_ports::ledger::{BudgetKind, Ledger, Reservation};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;

use super::{Form, key, keys, nanos, total};

/// Whether a report was taken; another failure than a budget's fails the law.
fn may_go_on(reported: Result<()>) -> bool {
    match reported {
        Ok(()) => true,
        Err(LargestackError::BudgetExceededError(error)) => {
            assert!(error.committed.checked_add(error.needed).unwrap() > error.budget, "{error:?}");
            false
        }
        Err(error) => panic!("another error: {error}"),
    }
}

/// A call goes on for as long as what it has used fits beside everything that others hold.
pub(super) async fn who_reports_beyond_a_lowered_limit_is_told_to_stop(form: &dyn Form) {
    let (ledger, agent) = (form.owner(1), key(BudgetKind::Agent, "a"));
    let lower = async |limit| ledger.set_limits(&agent, total(limit)).await.unwrap();
    lower(100).await;
    let scopes = keys([&agent]);
    let taken = ledger.reserve(&scopes, nanos(50)).await.unwrap();
    let report = async |seen| may_go_on(ledger.report(&taken, nanos(seen)).await);
    assert!(report(10).await);
    assert!(report(50).await);
    lower(30).await;
    assert!(report(30).await);
    assert!(!report(31).await);
    lower(31).await;
    assert!(report(31).await);
    // Somebody else holds a part of it: then it is the sum that has to fit.
    lower(100).await;
    let other = form.owner(2);
    let held = other.reserve(&scopes, nanos(40)).await.unwrap();
    lower(60).await;
    assert!(report(20).await);
    assert!(!report(21).await);
    other.settle(&held, nanos(10)).await.unwrap();
    assert!(report(50).await);
    ledger.settle(&taken, nanos(50)).await.unwrap();
    let account = ledger.account(&agent).await.unwrap();
    assert_eq!((account.spent, account.reserved), (nanos(60), Money::ZERO));
    // What is settled has nothing left to report.
    assert!(report(99).await);
    assert_eq!(ledger.account(&agent).await.unwrap().spent, nanos(60));
}

/// What one owner leaves of two calls, of which it has reported one.
async fn left(form: &dyn Form, dies: &dyn Ledger) -> [Reservation; 2] {
    let scopes = keys([&key(BudgetKind::Agent, "a")]);
    let told = dies.reserve(&scopes, nanos(50)).await.unwrap();
    for seen in [3, 20, 8] {
        dies.report(&told, nanos(seen)).await.unwrap();
    }
    // Behind the report, and not to be lost by it.
    let settled = dies.reserve(&scopes, nanos(30)).await.unwrap();
    dies.settle(&settled, nanos(25)).await.unwrap();
    let silent = dies.reserve(&scopes, nanos(40)).await.unwrap();
    assert!(form.slices() || silent.amount == nanos(40));
    [told, silent]
}

pub(super) async fn what_was_reported_last_is_what_is_booked(form: &dyn Form) {
    let agent = key(BudgetKind::Agent, "a");
    let survivor = form.owner(1);
    survivor.set_limits(&agent, total(2_000)).await.unwrap();
    let dies = form.owner(2);
    let open = left(form, &*dies).await;
    let before = survivor.account(&agent).await.unwrap();
    drop((open, dies));
    form.gone(2).await;
    survivor.sweep().await.unwrap();
    let account = survivor.account(&agent).await.unwrap();
    assert_eq!(account.reserved, Money::ZERO);
    let (spent, estimated) = (account.spent.nanos(), account.estimated.nanos());
    if form.slices() {
        // A slice counts as used but for what its open calls have said that they have not.
        let held = before.spent.checked_add(before.reserved).unwrap().nanos();
        assert_eq!(spent, held - (50 - 8));
        assert!(spent >= 8 + 25 + 40 && estimated >= 8 + 40, "{account:?}");
    } else {
        assert_eq!((spent, estimated), (8 + 25 + 40, 8 + 40));
    }
}
