//! Kept results of tools: the same laws for every place they are kept in, and what only a file can
//! do.

use std::sync::Arc;

use largestack_ports::results::{KeptResult, MemoryResults, Results};
use largestack_types::hash::Hash;
use largestack_types::label::{DataClass, Label, Origin};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::fixture::{block_on, open, tenant};

fn result(text: &str, expires: i64) -> Arc<KeptResult> {
    Arc::new(KeptResult {
        text: text.to_owned(),
        media: Vec::new(),
        citations: Vec::new(),
        label: Label::from_origin(Origin::Web).with_class(DataClass::Contact),
        expires: Timestamp::from_micros(expires),
    })
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn laws(results: &dyn Results) {
    let (acme, other, key) = (tenant("acme"), tenant("other"), Hash::of(b"call"));
    let get = |scope: &Scope, now| block_on(results.get(scope, key, at(now))).unwrap();
    let put =
        |scope: &Scope, result, now| block_on(results.put(scope, key, result, at(now))).unwrap();
    assert_eq!(get(&acme, 0), None);
    put(&acme, result("one", 100), 0);
    assert_eq!(get(&acme, 99), Some(result("one", 100)));
    assert_eq!(get(&other, 0), None);
    put(&acme, result("two", 200), 0);
    assert_eq!(get(&acme, 150), Some(result("two", 200)));
    assert_eq!(get(&acme, 200), None);
}

#[test]
fn results_are_given_until_they_expire_and_to_their_tenant_only() {
    laws(&MemoryResults::default());
    let folder = tempfile::tempdir().unwrap();
    laws(&open(folder.path()));
}

#[test]
fn another_process_finds_the_results_that_one_has_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (acme, key) = (tenant("acme"), Hash::of(b"call"));
    let store = open(folder.path());
    block_on(Results::put(&store, &acme, key, result("one", 100), at(0))).unwrap();
    drop(store);
    let found = block_on(Results::get(&open(folder.path()), &acme, key, at(1))).unwrap();
    assert_eq!(found, Some(result("one", 100)));
}
