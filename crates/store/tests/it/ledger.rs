//! Budgets in SQLite: the laws of every ledger, and processes that share a store and are killed.

use std::sync::Arc;

use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::ledger::{BudgetKey, BudgetLimits, Ledger, Sliced};
use largestack_store::{Options, Store};
use largestack_testkit::ledger_suite::{Form, all};
use largestack_types::errors::{Code, Coded};
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use crate::fixture::{block_on, open};
use crate::spender::{
    a_killed_process_is_booked_at_its_last_report, limited,
    processes_that_are_killed_never_pass_a_limit,
};

struct Sqlite {
    folder: tempfile::TempDir,
    ids: Arc<CountingIds>,
    clock: FakeClock,
    slices: bool,
}

impl Sqlite {
    fn boxed(slices: bool) -> Box<dyn Form> {
        let folder = tempfile::tempdir().unwrap();
        Box::new(Self { folder, ids: Arc::default(), clock: FakeClock::default(), slices })
    }
}

impl Form for Sqlite {
    fn owner(&self, _: u128) -> Arc<dyn Ledger> {
        let options = Options::new(self.ids.clone(), Arc::new(self.clock.clone()));
        let store = Arc::new(Store::open(self.folder.path(), options).unwrap());
        if self.slices { Arc::new(Sliced::new(store)) } else { store }
    }

    fn clock(&self) -> FakeClock {
        self.clock.clone()
    }

    fn slices(&self) -> bool {
        self.slices
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_in_sqlite_keep_the_laws_of_a_ledger() {
    all(&|| Sqlite::boxed(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_budgets_in_sqlite_keep_the_laws_of_a_ledger() {
    all(&|| Sqlite::boxed(true)).await;
}

#[test]
fn processes_on_one_file_that_are_killed_never_pass_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let path = folder.path().to_str().unwrap();
    block_on(processes_that_are_killed_never_pass_a_limit(&store, &["spend", path]));
}

#[test]
fn a_process_on_one_file_that_is_killed_in_a_call_is_booked_at_its_last_report() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let path = folder.path().to_str().unwrap();
    block_on(a_killed_process_is_booked_at_its_last_report(&store, &["stream", path]));
}

#[test]
fn budgets_outlive_the_process_and_are_listed_by_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Arc<[BudgetKey]> = Arc::from(limited());
    let spend = |store: &Store, nanos| {
        let taken = block_on(store.reserve(&keys, Money::from_nanos(nanos)))?;
        block_on(store.settle(&taken, Money::from_nanos(nanos)))
    };
    let store = open(folder.path());
    let limits = BudgetLimits::total(Some(Money::from_nanos(100)));
    block_on(store.set_limits(&keys[0], limits)).unwrap();
    spend(&store, 60).unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(spend(&store, 41).unwrap_err().code(), Code::Budget);
    spend(&store, 40).unwrap();
    let listed = |store: &Store| block_on(store.budgets(&Scope::local())).unwrap();
    let (key, account) = listed(&store).pop().unwrap();
    assert_eq!((&key, account.spent), (&keys[0], Money::from_nanos(100)));
    assert_eq!(listed(&store).len(), 1, "the tenant's has no limit");
    drop(store);
    // Also for whoever only reads, who may not reserve.
    let reader = Store::open_read_only(folder.path()).unwrap();
    assert_eq!(listed(&reader).len(), 1);
    assert_eq!(spend(&reader, 1).unwrap_err().code(), Code::Store);
}
