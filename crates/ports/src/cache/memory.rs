//! A cache of this process: bounded by bytes, and what was not asked for longest goes first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use super::{Cache, CachedReply};
use crate::BoxFuture;

/// What an entry takes beside its reply: keys, and its places in two maps.
const PER_ENTRY: usize = 256;

type Key = (TenantId, Hash);

/// A cache of this process only.
pub struct MemoryCache {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<Key, Entry>,
    /// Keys by when they were last asked for.
    order: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

struct Entry {
    reply: Arc<CachedReply>,
    bytes: usize,
    used: u64,
}

impl MemoryCache {
    /// A cache of at most this many bytes, counted as JSON. 0 keeps nothing.
    pub fn new(bytes: usize) -> Self {
        Self { most: bytes, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes in use.
    pub fn bytes(&self) -> usize {
        self.held().bytes
    }

    /// [`Cache::get`] without waiting.
    pub fn try_get(&self, scope: &Scope, key: Hash, now: Timestamp) -> Option<Arc<CachedReply>> {
        let mut held = self.held();
        let key = (scope.tenant().clone(), key);
        if held.entries.get(&key)?.reply.expires <= now {
            held.remove(&key);
            return None;
        }
        held.clock += 1;
        let clock = held.clock;
        let entry = held.entries.get_mut(&key)?;
        let before = std::mem::replace(&mut entry.used, clock);
        let reply = entry.reply.clone();
        held.order.remove(&before);
        held.order.insert(clock, key);
        Some(reply)
    }

    /// [`Cache::put`] without waiting. A reply that is larger than the whole cache is not kept.
    pub fn put_now(&self, scope: &Scope, key: Hash, reply: Arc<CachedReply>) {
        let mut counted = Counted(0);
        if serde_json::to_writer(&mut counted, &*reply).is_err() {
            return;
        }
        let bytes = counted.0.saturating_add(PER_ENTRY);
        let mut held = self.held();
        let key = (scope.tenant().clone(), key);
        held.remove(&key);
        if bytes > self.most {
            return;
        }
        while held.bytes + bytes > self.most {
            let Some((_, oldest)) = held.order.first_key_value() else { break };
            let oldest = oldest.clone();
            held.remove(&oldest);
        }
        held.clock += 1;
        let used = held.clock;
        held.bytes += bytes;
        held.order.insert(used, key.clone());
        held.entries.insert(key, Entry { reply, bytes, used });
    }
}

/// Counts what is written.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Held {
    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.order.remove(&entry.used);
        }
    }
}

impl Cache for MemoryCache {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Arc<CachedReply>>>> {
        Box::pin(std::future::ready(Ok(self.try_get(scope, key, now))))
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        reply: Arc<CachedReply>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        self.put_now(scope, key, reply);
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>> {
        let mut held = self.held();
        let keys: Vec<Key> =
            held.entries.keys().filter(|(tenant, _)| tenant == scope.tenant()).cloned().collect();
        for key in &keys {
            held.remove(key);
        }
        Box::pin(std::future::ready(Ok(keys.len() as u64)))
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use largestack_types::label::{Label, Origin};
    use largestack_types::money::Money;
    use largestack_types::part::{Part, PartId};
    use largestack_types::reply::Reply;

    use super::*;

    fn reply(text: &str, expires: i64) -> Arc<CachedReply> {
        let part = Part::text(PartId::default(), Label::from_origin(Origin::Agent), text);
        Arc::new(CachedReply {
            reply: Reply { parts: vec![part], ..Reply::default() },
            provider: None,
            cost: Money::from_nanos(7),
            expires: Timestamp::from_micros(expires),
        })
    }

    fn key(number: u8) -> Hash {
        Hash::of(&[number])
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_reply_is_given_until_the_moment_it_expires() {
        let cache = MemoryCache::new(1 << 20);
        let scope = Scope::local();
        cache.put_now(&scope, key(1), reply("a", 100));
        assert!(cache.try_get(&scope, key(1), at(99)).is_some());
        assert!(cache.try_get(&scope, key(1), at(100)).is_none());
        // It is gone, not only hidden.
        assert_eq!((cache.bytes(), cache.try_get(&scope, key(1), at(0))), (0, None));
    }

    #[test]
    fn what_was_not_asked_for_longest_makes_room_and_the_bound_holds() {
        let scope = Scope::local();
        let one = {
            let cache = MemoryCache::new(1 << 20);
            cache.put_now(&scope, key(0), reply("a", 100));
            cache.bytes()
        };
        let cache = MemoryCache::new(3 * one);
        for number in 1..=3 {
            cache.put_now(&scope, key(number), reply("a", 100));
        }
        assert!(cache.try_get(&scope, key(1), at(0)).is_some());
        cache.put_now(&scope, key(4), reply("a", 100));
        assert_eq!(cache.bytes(), 3 * one);
        let there = |number| cache.try_get(&scope, key(number), at(0)).is_some();
        assert_eq!([1, 2, 3, 4].map(there), [true, false, true, true]);
        // Replacing makes no second entry.
        cache.put_now(&scope, key(4), reply("b", 100));
        assert_eq!(cache.bytes(), 3 * one);
        let (exact, less) = (MemoryCache::new(one), MemoryCache::new(one - 1));
        exact.put_now(&scope, key(1), reply("a", 100));
        less.put_now(&scope, key(1), reply("a", 100));
        assert_eq!((exact.bytes(), less.bytes()), (one, 0));
    }
}
