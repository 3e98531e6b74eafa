//! The laws of a store's parts over memory and SQLite; what is in a server keeps the same ones in
//! `postgres/laws.rs`.

use std::sync::{Arc, Mutex};

use largestack_ports::BoxFuture;
use largestack_ports::cache::MemoryCache;
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::journal::MemoryJournal;
use largestack_ports::pools::ProcessPools;
use largestack_ports::results::MemoryResults;
use largestack_ports::switch::{Switch, Thrown};
use largestack_ports::vault::MemoryVault;
use largestack_store::{Options, Store, SwitchScope};
use largestack_testkit::{
    approvals_suite, journal_suite, kept_suite, retention_suite, signals_suite, switch_suite,
    vault_suite,
};
use largestack_types::scope::TenantId;

use crate::fixture::open;

/// Folders that live as long as the test.
#[derive(Default)]
struct Folders(Mutex<Vec<tempfile::TempDir>>);

impl Folders {
    fn store(&self) -> Store {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        self.0.lock().unwrap().push(folder);
        store
    }
}

#[tokio::test]
async fn journals_in_memory_and_in_sqlite_keep_the_laws() {
    journal_suite::all(&|| Arc::new(MemoryJournal::default())).await;
    let folders = Folders::default();
    journal_suite::all(&|| Arc::new(folders.store())).await;
}

#[tokio::test]
async fn what_need_not_be_kept_in_sqlite_is_removed_by_the_laws() {
    let folders = Folders::default();
    retention_suite::all(&|| Arc::new(folders.store())).await;
}

#[tokio::test]
async fn vaults_in_memory_and_in_sqlite_keep_the_laws() {
    vault_suite::all(&|| Arc::new(MemoryVault::default())).await;
    let folders = Folders::default();
    vault_suite::all(&|| Arc::new(folders.store())).await;
}

#[tokio::test]
async fn what_is_kept_in_memory_and_in_sqlite_is_given_until_it_expires_and_to_its_tenant_only() {
    let folders = Folders::default();
    let store = folders.store();
    kept_suite::replies(&MemoryCache::new(1 << 20)).await;
    kept_suite::replies(&store).await;
    kept_suite::results(&MemoryResults::default()).await;
    kept_suite::results(&store).await;
    kept_suite::pools(&ProcessPools::default()).await;
    kept_suite::pools(&store).await;
}

#[tokio::test]
async fn approvals_in_sqlite_keep_the_laws() {
    let folders = Folders::default();
    approvals_suite::all(&|| {
        let (folder, clock) = (tempfile::tempdir().unwrap(), FakeClock::default());
        let part = || {
            let options = Options::new(Arc::new(CountingIds::default()), Arc::new(clock.clone()));
            Arc::new(Store::open(folder.path(), options).unwrap())
        };
        let (here, there) = (part(), part());
        folders.0.lock().unwrap().push(folder);
        approvals_suite::Form { here, there, clock }
    })
    .await;
}

#[tokio::test]
async fn events_in_sqlite_are_kept_and_heard_by_the_laws() {
    let folders = Folders::default();
    signals_suite::all(&|| {
        let (folder, clock) = (tempfile::tempdir().unwrap(), FakeClock::default());
        let part = || {
            let options = Options::new(Arc::new(CountingIds::default()), Arc::new(clock.clone()));
            Arc::new(Store::open(folder.path(), options).unwrap())
        };
        let (here, there) = (part(), part());
        folders.0.lock().unwrap().push(folder);
        signals_suite::Form { here, there, clock, moved: Box::new(|_| ()) }
    })
    .await;
}

struct Board(Store);

fn switch(tenant: Option<&TenantId>) -> SwitchScope {
    tenant.cloned().map_or(SwitchScope::All, SwitchScope::Tenant)
}

impl switch_suite::Board for Board {
    fn switch(&self) -> &dyn Switch {
        &self.0
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

#[tokio::test]
async fn switches_in_sqlite_keep_the_laws() {
    let folders = Folders::default();
    switch_suite::all(&|| {
        let folder = tempfile::tempdir().unwrap();
        let part = || Arc::new(Board(open(folder.path())));
        let form: switch_suite::Form = (part(), part());
        folders.0.lock().unwrap().push(folder);
        form
    })
    .await;
}
