//! What fits and what does not, in one scope and in several.

use largestack_ports::ledger::{BudgetKey, BudgetKind, BudgetLimits};
use largestack_types::errors::{Code, Coded as _, Result};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use super::{Form, available, key, keys, nanos, refusal, total};

pub(super) async fn a_limit_has_two_sides(form: &dyn Form) {
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

pub(super) async fn all_scopes_or_none(form: &dyn Form) {
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

pub(super) async fn a_limit_can_be_changed_and_what_was_spent_stays(form: &dyn Form) {
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

pub(super) async fn negative_and_too_large_amounts_are_refused(form: &dyn Form) {
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

pub(super) async fn tenants_have_accounts_of_their_own(form: &dyn Form) {
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
