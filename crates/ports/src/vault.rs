//! The token vault: what placeholders stand for. Journal, traces, memory and logs only ever hold
//! the placeholders; values come out for tools that are allowed their class and for the answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

use crate::BoxFuture;

/// A value that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive(Arc<str>);

impl Sensitive {
    /// Wraps a value.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value. Name what you do with it where you call this.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(..)")
    }
}

/// Values behind placeholders, by tenant and run tree. Written before the first event that holds
/// the placeholder is appended.
pub trait TokenVault: Send + Sync + 'static {
    /// Keeps pairs of placeholder and value, sealed and durable when this returns. A placeholder that
    /// is kept already is written over: two who find the same value at once both wait for it here.
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        pairs: Vec<(String, Sensitive)>,
    ) -> BoxFuture<'a, Result<()>>;

    /// All pairs of a run tree.
    fn all<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
    ) -> BoxFuture<'a, Result<Vec<(String, Sensitive)>>>;

    /// Erases the values of a run tree; its journal stays, with placeholders nobody can resolve.
    fn erase<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, Result<()>>;
}

type Values = HashMap<(TenantId, RunId), Vec<(String, Sensitive)>>;

/// A vault that ends with the process.
#[derive(Default)]
pub struct MemoryVault(Mutex<Values>);

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryVault(..)")
    }
}

impl MemoryVault {
    fn values(&self) -> std::sync::MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenVault for MemoryVault {
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        pairs: Vec<(String, Sensitive)>,
    ) -> BoxFuture<'a, Result<()>> {
        let mut values = self.values();
        let kept = values.entry((scope.tenant().clone(), root)).or_default();
        for (placeholder, value) in pairs {
            match kept.iter_mut().find(|(known, _)| *known == placeholder) {
                Some((_, known)) => *known = value,
                None => kept.push((placeholder, value)),
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn all<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
    ) -> BoxFuture<'a, Result<Vec<(String, Sensitive)>>> {
        let key = (scope.tenant().clone(), root);
        let pairs = self.values().get(&key).cloned().unwrap_or_default();
        Box::pin(std::future::ready(Ok(pairs)))
    }

    fn erase<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, Result<()>> {
        self.values().remove(&(scope.tenant().clone(), root));
        Box::pin(std::future::ready(Ok(())))
    }
}
