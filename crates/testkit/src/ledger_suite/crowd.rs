//! Many owners and their tasks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use largestack_ports::ledger::{BudgetKey, BudgetKind, BudgetLimits};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use super::{Form, key, keys, nanos};
use crate::dice::Dice;

/// Owners and their tasks, and what each may spend at the most at once.
const OWNERS: u64 = 3;
const TASKS: u64 = 4;
const CALLS: u64 = 40;

pub(super) async fn many_at_once_never_pass_a_limit_and_add_up(form: Arc<dyn Form>) {
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
