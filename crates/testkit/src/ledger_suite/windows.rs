//! Days and months.

use std::time::Duration;

use largestack_ports::ledger::{BudgetKind, BudgetLimits};

use super::{Form, key, keys, nanos, refusal};

/// A day.
const DAY: Duration = Duration::from_hours(24);

pub(super) async fn days_and_months_begin_anew_and_the_total_does_not(form: &dyn Form) {
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
