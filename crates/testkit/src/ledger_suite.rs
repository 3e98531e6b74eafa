//! The laws of a ledger, whatever it is made of. Each function is one law and panics where it does
//! not hold; a form of the ledger runs them all with [`all`].

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a law that does not hold fails the test that runs it"
)]

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::FakeClock;
use largestack_ports::ledger::{BudgetKey, BudgetKind, BudgetLimits, Ledger};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::scope::Scope;

mod crowd;
mod limits;
mod metering;
mod owners;
mod reports;
mod settling;
mod slices;
mod windows;

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
    limits::a_limit_has_two_sides(&*forms()).await;
    limits::all_scopes_or_none(&*forms()).await;
    settling::what_is_settled_frees_the_rest_and_settling_again_changes_nothing(&*forms()).await;
    settling::more_than_was_set_aside_is_booked_and_then_nothing_fits(&*forms()).await;
    windows::days_and_months_begin_anew_and_the_total_does_not(&*forms()).await;
    limits::a_limit_can_be_changed_and_what_was_spent_stays(&*forms()).await;
    limits::negative_and_too_large_amounts_are_refused(&*forms()).await;
    limits::tenants_have_accounts_of_their_own(&*forms()).await;
    settling::runs_are_opened_with_what_they_spent_and_forgotten_when_closed(&*forms()).await;
    slices::slices_shrink_with_what_is_left(&*forms()).await;
    owners::what_an_owner_leaves_behind_is_settled_by_whoever_needs_it(&*forms()).await;
    reports::who_reports_beyond_a_lowered_limit_is_told_to_stop(&*forms()).await;
    reports::what_was_reported_last_is_what_is_booked(&*forms()).await;
    metering::what_a_tenant_without_a_limit_spends_is_known_to_the_nano_dollar(&*forms()).await;
    metering::a_limit_that_comes_later_counts_what_was_spent_before(&*forms()).await;
    metering::a_tenant_among_the_keys_is_booked_once(&*forms()).await;
    crowd::many_at_once_never_pass_a_limit_and_add_up(Arc::from(forms())).await;
    let form = forms();
    if !form.slices() {
        metering::what_an_owner_leaves_behind_is_metered_too(&*forms()).await;
        owners::a_late_settlement_replaces_the_estimate(&*form).await;
    }
}

async fn available(ledger: &dyn Ledger, key: &BudgetKey) -> Option<i64> {
    let left = ledger.available(&keys([key])).await.unwrap();
    left.map(Money::nanos)
}
