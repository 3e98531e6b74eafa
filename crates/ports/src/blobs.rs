//! Content-addressed bytes: what is too large for an event, and definitions.

use bytes::Bytes;
use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;

use crate::BoxFuture;

/// Bytes by their hash, within a tenant.
pub trait Blobs: Send + Sync + 'static {
    /// Keeps the bytes; keeping them twice is keeping them once.
    fn put<'a>(&'a self, scope: &'a Scope, bytes: Bytes) -> BoxFuture<'a, Result<Hash>>;

    /// The bytes with this hash.
    fn get<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>>;
}
