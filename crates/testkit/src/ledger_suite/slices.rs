//! Parts of a scope that a process holds for itself.

use largestack_ports::ledger::BudgetKind;
use largestack_types::money::Money;

use super::{Form, available, key, nanos, refusal, total};

pub(super) async fn slices_shrink_with_what_is_left(form: &dyn Form) {
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
