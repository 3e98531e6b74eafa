//! The laws of a kill switch that processes share. A form runs them all with [`all`].
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]

use std::sync::Arc;
use std::time::Duration;

use largestack_ports::BoxFuture;
use largestack_ports::switch::{Switch, Thrown};
use largestack_types::scope::{Scope, TenantId};
use tokio::time::timeout;

/// A process's side of a switch.
pub trait Board: Send + Sync {
    /// What runs ask.
    fn switch(&self) -> &dyn Switch;

    /// Throws the switch of a tenant, or of all.
    fn throw<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, Thrown>;

    /// Lifts it; what it said.
    fn lift<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        by: &'a str,
    ) -> BoxFuture<'a, Option<Thrown>>;

    /// How many switches are on.
    fn count(&self) -> BoxFuture<'_, usize>;

    /// The last changes, newest first: whether it was a throw, and by whom.
    fn history(&self) -> BoxFuture<'_, Vec<(bool, String)>>;
}

/// Two processes of one store.
pub type Form = (Arc<dyn Board>, Arc<dyn Board>);

/// Within this time a thrown switch is seen everywhere.
const EVERYWHERE: Duration = Duration::from_secs(1);

/// Every law, each over a store of its own.
pub async fn all(forms: &dyn Fn() -> Form) {
    a_thrown_switch_reaches_every_process_within_a_second(&forms()).await;
    a_switch_of_one_tenant_stops_that_tenant_only(&forms()).await;
    every_throw_and_lift_is_kept(&forms()).await;
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn scope(name: &str) -> Scope {
    Scope::authenticated(tenant(name), "somebody")
}

/// Waits until nothing stops the tenant in this process.
async fn is_lifted(board: &dyn Board, scope: &Scope) {
    for _ in 0..1_000 {
        if board.switch().thrown(scope).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(board.switch().thrown(scope), None);
}

async fn a_thrown_switch_reaches_every_process_within_a_second((here, there): &Form) {
    let acme = scope("acme");
    assert_eq!(here.switch().thrown(&acme), None);
    // Neither has worked for this tenant before.
    let waiting = there.switch().wait(&acme);
    let thrown = here.throw(None, "ann", "a leak").await;
    assert_eq!(here.switch().thrown(&acme).as_ref(), Some(&thrown));
    assert_eq!(timeout(EVERYWHERE, waiting).await.unwrap(), thrown);
    assert_eq!(there.switch().thrown(&acme).as_ref(), Some(&thrown));
    assert_eq!(there.lift(None, "bob").await, Some(thrown));
    assert_eq!(there.switch().thrown(&acme), None);
    is_lifted(&**here, &acme).await;
    assert_eq!(here.lift(None, "bob").await, None);
}

async fn a_switch_of_one_tenant_stops_that_tenant_only((here, there): &Form) {
    let (acme, other) = (scope("acme"), scope("other"));
    let waiting = there.switch().wait(&acme);
    let thrown = here.throw(Some(&tenant("acme")), "ann", "unpaid").await;
    assert_eq!(timeout(EVERYWHERE, waiting).await.unwrap(), thrown);
    for board in [here, there] {
        assert_eq!(board.switch().thrown(&acme), Some(thrown.clone()));
        assert_eq!(board.switch().thrown(&other), None);
        assert_eq!(board.count().await, 1);
    }
    assert_eq!(here.lift(None, "ann").await, None);
    assert!(here.switch().thrown(&acme).is_some(), "lifting all does not lift one");
    assert!(there.lift(Some(&tenant("acme")), "ann").await.is_some());
    assert_eq!(there.switch().thrown(&acme), None);
    is_lifted(&**here, &acme).await;
}

async fn every_throw_and_lift_is_kept((here, there): &Form) {
    here.throw(None, "ann", "a leak").await;
    there.throw(None, "cyd", "a worse leak").await;
    here.throw(Some(&tenant("acme")), "dan", "unpaid").await;
    there.lift(None, "bob").await.unwrap();
    let told = |on: bool, by: &str| (on, by.to_owned());
    let expected = [told(false, "bob"), told(true, "dan"), told(true, "cyd"), told(true, "ann")];
    for board in [here, there] {
        assert_eq!(board.history().await, expected);
    }
}
