//! The kill switch over processes and tenants.

use std::time::Duration;

use futures::FutureExt as _;
use largestack_ports::switch::Switch;
use largestack_store::{Store, SwitchScope};
use largestack_types::scope::{Scope, TenantId};

use crate::fixture::{block_on, open, tenant};

/// Waits until the store agrees; a store looks several times a second.
fn becomes(store: &Store, scope: &Scope, on: bool) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        store.thrown(scope).is_some() == on
    })
}

#[test]
fn a_thrown_switch_reaches_every_store_of_the_folder_and_is_lifted_there() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (open(folder.path()), open(folder.path()));
    let scope = Scope::local();
    assert_eq!(here.thrown(&scope), None);
    let waiting = there.wait(&scope);
    let thrown = block_on(here.throw_switch(&SwitchScope::All, "ann", "a leak")).unwrap();
    assert_eq!(here.thrown(&scope).as_ref(), Some(&thrown));
    assert_eq!(block_on(waiting), thrown);
    assert_eq!(there.thrown(&scope).as_ref(), Some(&thrown));
    assert_eq!(open(folder.path()).thrown(&scope).as_ref(), Some(&thrown));
    assert_eq!(Store::open_read_only(folder.path()).unwrap().thrown(&scope), Some(thrown.clone()));
    let lifted = block_on(there.lift_switch(&SwitchScope::All, "bob", "fixed")).unwrap();
    assert_eq!(lifted, Some(thrown));
    assert_eq!(there.thrown(&scope), None);
    assert!(becomes(&here, &scope, false));
    assert_eq!(block_on(there.lift_switch(&SwitchScope::All, "bob", "again")).unwrap(), None);
}

#[test]
fn a_switch_of_one_tenant_stops_that_tenant_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (acme, other) = (tenant("acme"), tenant("other"));
    let scope = SwitchScope::Tenant(TenantId::new("acme").unwrap());
    let waiting = store.wait(&other);
    let thrown = block_on(store.throw_switch(&scope, "ann", "unpaid")).unwrap();
    assert_eq!(store.thrown(&acme), Some(thrown.clone()));
    assert_eq!(store.thrown(&other), None);
    assert_eq!(waiting.now_or_never(), None);
    assert_eq!(block_on(store.switches()).unwrap(), [(scope.clone(), thrown)]);
    assert_eq!(block_on(store.lift_switch(&SwitchScope::All, "ann", "all")).unwrap(), None);
    assert!(store.thrown(&acme).is_some(), "lifting all does not lift one");
    block_on(store.lift_switch(&scope, "ann", "paid")).unwrap().unwrap();
    assert_eq!(store.thrown(&acme), None);
}

#[test]
fn every_throw_and_lift_is_kept_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    block_on(store.throw_switch(&SwitchScope::All, "ann", "a leak")).unwrap();
    block_on(store.throw_switch(&SwitchScope::All, "cyd", "a worse leak")).unwrap();
    block_on(store.lift_switch(&SwitchScope::All, "bob", "fixed")).unwrap();
    let history = block_on(store.switch_history(10)).unwrap();
    let told: Vec<_> =
        history.iter().map(|c| (c.on, c.act.by.as_str(), c.act.reason.as_str())).collect();
    let expected =
        [(false, "bob", "fixed"), (true, "cyd", "a worse leak"), (true, "ann", "a leak")];
    assert_eq!(told, expected);
    assert_eq!(block_on(store.switch_history(1)).unwrap().len(), 1);
}
