//! The laws of what is kept to be given again: replies, results of tools, what pools have learned. A
//! form runs those of each kind.
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]

use std::sync::Arc;

use largestack_ports::cache::{Cache, CachedReply};
use largestack_ports::pools::PoolMemory;
use largestack_ports::results::{KeptResult, Results};
use largestack_types::hash::Hash;
use largestack_types::label::{DataClass, Label, Origin};
use largestack_types::money::Money;
use largestack_types::part::{Part, PartId};
use largestack_types::reply::Reply;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

fn scope(tenant: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), "somebody")
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn reply(text: &str, expires: i64) -> Arc<CachedReply> {
    let parts = vec![Part::text(PartId::default(), Label::default(), text)];
    Arc::new(CachedReply {
        reply: Reply { parts, ..Reply::default() },
        provider: Some("openai".into()),
        cost: Money::from_nanos(42),
        expires: at(expires),
    })
}

fn result(text: &str, expires: i64) -> Arc<KeptResult> {
    Arc::new(KeptResult {
        text: text.to_owned(),
        media: Vec::new(),
        citations: Vec::new(),
        label: Label::from_origin(Origin::Web).with_class(DataClass::Contact),
        expires: at(expires),
    })
}

/// A reply is given until it expires, and to its tenant only.
///
/// # Panics
///
/// Where it does not hold.
pub async fn replies(cache: &dyn Cache) {
    let (acme, other, key) = (scope("acme"), scope("other"), Hash::of(b"call"));
    assert_eq!(cache.get(&acme, key, at(0)).await.unwrap(), None);
    cache.put(&acme, key, reply("one", 100), at(0)).await.unwrap();
    assert_eq!(cache.get(&acme, key, at(99)).await.unwrap(), Some(reply("one", 100)));
    assert_eq!(cache.get(&other, key, at(0)).await.unwrap(), None);
    cache.put(&acme, key, reply("two", 200), at(0)).await.unwrap();
    cache.put(&other, key, reply("theirs", 300), at(0)).await.unwrap();
    assert_eq!(cache.get(&acme, key, at(150)).await.unwrap(), Some(reply("two", 200)));
    assert_eq!(cache.get(&acme, key, at(200)).await.unwrap(), None);
    cache.put(&acme, key, reply("three", 300), at(200)).await.unwrap();
    assert_eq!(cache.clear(&acme).await.unwrap(), 1);
    assert_eq!(cache.get(&acme, key, at(0)).await.unwrap(), None);
    assert_eq!(cache.get(&other, key, at(0)).await.unwrap(), Some(reply("theirs", 300)));
}

/// A result is given until it expires, and to its tenant only.
///
/// # Panics
///
/// Where it does not hold.
pub async fn results(results: &dyn Results) {
    let (acme, other, key) = (scope("acme"), scope("other"), Hash::of(b"call"));
    assert_eq!(results.get(&acme, key, at(0)).await.unwrap(), None);
    results.put(&acme, key, result("one", 100), at(0)).await.unwrap();
    assert_eq!(results.get(&acme, key, at(99)).await.unwrap(), Some(result("one", 100)));
    assert_eq!(results.get(&other, key, at(0)).await.unwrap(), None);
    results.put(&acme, key, result("two", 200), at(0)).await.unwrap();
    assert_eq!(results.get(&acme, key, at(150)).await.unwrap(), Some(result("two", 200)));
    assert_eq!(results.get(&acme, key, at(200)).await.unwrap(), None);
}

/// What a pool has learned last is what is known, to its tenant only.
///
/// # Panics
///
/// Where it does not hold.
pub async fn pools(memory: &dyn PoolMemory) {
    let (acme, other) = (scope("acme"), scope("other"));
    assert_eq!(memory.load(&acme, "fast").await.unwrap(), None);
    memory.save(&acme, "fast", "{}".to_owned()).await.unwrap();
    memory.save(&acme, "fast", "{\"a\":1}".to_owned()).await.unwrap();
    assert_eq!(memory.load(&acme, "fast").await.unwrap().as_deref(), Some("{\"a\":1}"));
    assert_eq!(memory.load(&acme, "cheap").await.unwrap(), None);
    assert_eq!(memory.load(&other, "fast").await.unwrap(), None);
}
