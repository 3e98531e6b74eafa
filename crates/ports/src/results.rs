//! Results of tools that may be given again: by tenant, under a key that holds principal, tool,
//! version and arguments. Like the cache of replies it only saves work: whatever goes wrong in it,
//! the tool runs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::label::Label;
use largestack_types::part::{Citation, Media};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;

/// A result as it was given once, after the guards found nothing in it to take out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptResult {
    /// The whole text, before it was capped.
    pub text: String,
    /// Media beside the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// References that support the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// Where it came from and what it holds; it is joined with that of each new call.
    pub label: Label,
    /// When it may no longer be given.
    pub expires: Timestamp,
}

/// Kept results. A tenant sees its own only.
pub trait Results: Send + Sync + 'static {
    /// The result under a key, unless it has expired by `now`.
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Arc<KeptResult>>>>;

    /// Keeps a result under a key, in the place of one that was there.
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        result: Arc<KeptResult>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;
}

type Key = (TenantId, Hash);

/// Results of this process only, bounded by their number: the one that was kept first goes first.
pub struct MemoryResults {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<Key, (u64, Arc<KeptResult>)>,
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl MemoryResults {
    /// At most this many results.
    pub fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }
}

impl Default for MemoryResults {
    /// At most 1,024 results.
    fn default() -> Self {
        Self::new(1_024)
    }
}

impl fmt::Debug for MemoryResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryResults").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Held {
    fn remove(&mut self, key: &Key) {
        if let Some((at, _)) = self.entries.remove(key) {
            self.order.remove(&at);
        }
    }

    fn insert(&mut self, key: Key, result: Arc<KeptResult>, most: usize) {
        self.remove(&key);
        while self.entries.len() >= most {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.entries.remove(&oldest);
        }
        self.next += 1;
        self.order.insert(self.next, key.clone());
        self.entries.insert(key, (self.next, result));
    }
}

impl Results for MemoryResults {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Arc<KeptResult>>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope.tenant().clone(), key);
        let found = held.entries.get(&key).map(|(_, result)| Arc::clone(result));
        let expired = found.as_ref().is_some_and(|result| result.expires <= now);
        if expired {
            held.remove(&key);
        }
        Box::pin(std::future::ready(Ok(found.filter(|_| !expired))))
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        result: Arc<KeptResult>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert((scope.tenant().clone(), key), result, self.most);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_result_that_was_kept_first_goes_first_when_there_is_no_more_room() {
        let results = MemoryResults::new(2);
        let (scope, now) = (Scope::local(), Timestamp::from_micros(0));
        let result = Arc::new(KeptResult {
            text: "x".to_owned(),
            media: Vec::new(),
            citations: Vec::new(),
            label: Label::default(),
            expires: Timestamp::from_micros(1),
        });
        let there = |key: &[u8]| {
            let found = results.get(&scope, Hash::of(key), now);
            found.now_or_never().unwrap().unwrap().is_some()
        };
        for key in [b"a", b"b", b"b", b"c"] {
            let put = results.put(&scope, Hash::of(key), Arc::clone(&result), now);
            put.now_or_never().unwrap().unwrap();
        }
        assert_eq!([there(b"a"), there(b"b"), there(b"c")], [false, true, true]);
    }
}
