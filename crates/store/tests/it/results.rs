//! Kept results of tools: what only a file can do.

use std::sync::Arc;

use largestack_ports::results::{KeptResult, Results};
use largestack_types::hash::Hash;
use largestack_types::label::{DataClass, Label, Origin};
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
