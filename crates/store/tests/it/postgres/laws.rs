//! The laws that memory and SQLite keep, over a server.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::FakeClock;
use largestack_ports::switch::{Switch, Thrown};
use largestack_store::{PostgresStore, SwitchScope};
use largestack_testkit::{
    approvals_suite, journal_suite, kept_suite, retention_suite, services, sessions_suite,
    signals_suite, switch_suite, vault_suite,
};
use largestack_types::scope::TenantId;

use super::Postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    journal_suite::all(&|| Postgres::new(&server, false).store(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    sessions_suite::all(&|| {
        let form = Postgres::new(&server, false);
        (form.store(1), form.clock.clone())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_need_not_be_kept_in_postgres_is_removed_by_the_laws() {
    let Some(server) = services::postgres() else { return };
    retention_suite::all(&|| Postgres::new(&server, false).store(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    vault_suite::all(&|| Postgres::new(&server, false).store(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_in_postgres_is_given_until_it_expires_and_to_its_tenant_only() {
    let Some(server) = services::postgres() else { return };
    let store = Postgres::new(&server, false).store(1);
    kept_suite::replies(&*store).await;
    kept_suite::results(&*store).await;
    kept_suite::pools(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    approvals_suite::all(&|| {
        let form = Postgres::new(&server, false);
        let clock: FakeClock = form.clock.clone();
        approvals_suite::Form { here: form.store(1), there: form.store(2), clock }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_in_postgres_are_kept_and_heard_by_the_laws() {
    let Some(server) = services::postgres() else { return };
    signals_suite::all(&|| {
        let form = Postgres::new(&server, false);
        let (here, there, clock) = (form.store(1), form.store(2), form.clock.clone());
        form.stop_the_clock();
        let moved = Box::new(move |to| form.set_the_clock(to));
        signals_suite::Form { here, there, clock, moved }
    })
    .await;
}

struct Board(Arc<PostgresStore>);

fn switch(tenant: Option<&TenantId>) -> SwitchScope {
    tenant.cloned().map_or(SwitchScope::All, SwitchScope::Tenant)
}

impl switch_suite::Board for Board {
    fn switch(&self) -> &dyn Switch {
        &*self.0
    }

    fn throw<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, Thrown> {
        Box::pin(async move { self.0.throw_switch(&switch(tenant), by, reason).await.unwrap() })
    }

    fn lift<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        by: &'a str,
    ) -> BoxFuture<'a, Option<Thrown>> {
        Box::pin(async move { self.0.lift_switch(&switch(tenant), by, "over").await.unwrap() })
    }

    fn count(&self) -> BoxFuture<'_, usize> {
        Box::pin(async { self.0.switches().await.unwrap().len() })
    }

    fn history(&self) -> BoxFuture<'_, Vec<(bool, String)>> {
        Box::pin(async {
            let changes = self.0.switch_history(10).await.unwrap();
            changes.into_iter().map(|change| (change.on, change.act.by)).collect()
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switches_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    switch_suite::all(&|| {
        let form = Postgres::new(&server, false);
        let part = |number| Arc::new(Board(form.store(number)));
        (part(1), part(2))
    })
    .await;
}
