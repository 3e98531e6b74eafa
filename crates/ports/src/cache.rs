//! Replies kept for calls that are made again: by tenant and the hash of the whole call. A cache
//! only saves work and money: whatever goes wrong in it, the call is made.

use std::sync::Arc;

use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::money::Money;
use largestack_types::reply::Reply;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;

mod memory;
pub use memory::MemoryCache;

/// A reply as it was given once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachedReply {
    /// What the model said.
    pub reply: Reply,
    /// The row of the provider table that served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Arc<str>>,
    /// What the call cost, and what each hit saves.
    pub cost: Money,
    /// When it may no longer be given.
    pub expires: Timestamp,
}

/// Kept replies. A tenant sees its own only.
pub trait Cache: Send + Sync + 'static {
    /// The reply under a key, unless it has expired by `now`.
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Arc<CachedReply>>>>;

    /// Keeps a reply under a key, in the place of one that was there. What has expired by `now`
    /// may go to make room.
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        reply: Arc<CachedReply>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;

    /// Forgets every reply of the tenant, and says how many there were.
    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>>;
}
