//! Kept replies and what pools have learned: what only a file can do.

use std::sync::Arc;

use largestack_ports::cache::{Cache, CachedReply};
use largestack_ports::pools::PoolMemory;
use largestack_store::Store;
use largestack_types::hash::Hash;
use largestack_types::label::Label;
use largestack_types::money::Money;
use largestack_types::part::{Part, PartId};
use largestack_types::reply::Reply;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::fixture::{block_on, open, tenant};

fn reply(text: &str, expires: i64) -> Arc<CachedReply> {
    let parts = vec![Part::text(PartId::default(), Label::default(), text)];
    Arc::new(CachedReply {
        reply: Reply { parts, ..Reply::default() },
        provider: Some("openai".into()),
        cost: Money::from_nanos(42),
        expires: Timestamp::from_micros(expires),
    })
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[test]
fn another_process_finds_what_was_kept_and_what_has_expired_is_swept_away() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()), open(folder.path()));
    let scope = Scope::local();
    block_on(one.put(&scope, Hash::of(b"old"), reply("old", 10), at(0))).unwrap();
    block_on(one.put(&scope, Hash::of(b"new"), reply("new", 99), at(0))).unwrap();
    let found = block_on(two.get(&scope, Hash::of(b"new"), at(1))).unwrap();
    assert_eq!(found, Some(reply("new", 99)));
    block_on(two.put(&scope, Hash::of(b"newer"), reply("newer", 99), at(10))).unwrap();
    assert_eq!(block_on(one.clear(&scope)).unwrap(), 2);
    drop((one, two));
    // Whoever only reads keeps nothing and finds nothing, and that is no error.
    let reader = Store::open_read_only(folder.path()).unwrap();
    block_on(reader.put(&scope, Hash::of(b"x"), reply("x", 99), at(0))).unwrap();
    assert_eq!(block_on(reader.get(&scope, Hash::of(b"x"), at(0))).unwrap(), None);
}

#[test]
fn what_a_pool_has_learned_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    block_on(open(folder.path()).save(&tenant("acme"), "fast", "{\"a\":1}".to_owned())).unwrap();
    let again = open(folder.path());
    let learned = block_on(again.load(&tenant("acme"), "fast")).unwrap();
    assert_eq!(learned.as_deref(), Some("{\"a\":1}"));
}
