//! What pools have learned of their models, kept beyond the process. A tenant's calls teach its
//! own pools only.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use largestack_types::errors::Result;
use largestack_types::scope::{Scope, TenantId};

use crate::BoxFuture;

/// Keeps what was learned. Several processes that save overwrite one another: what is lost is
/// learned again.
pub trait PoolMemory: Send + Sync + 'static {
    /// What was saved of a pool last, as its router wrote it.
    fn load<'a>(&'a self, scope: &'a Scope, pool: &'a str)
    -> BoxFuture<'a, Result<Option<String>>>;

    /// Saves what is known now.
    fn save<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
        learned: String,
    ) -> BoxFuture<'a, Result<()>>;
}

/// A memory of this process only.
#[derive(Default)]
pub struct ProcessPools(Mutex<HashMap<(TenantId, String), String>>);

impl PoolMemory for ProcessPools {
    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        let key = (scope.tenant().clone(), pool.to_owned());
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        Box::pin(std::future::ready(Ok(held)))
    }

    fn save<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
        learned: String,
    ) -> BoxFuture<'a, Result<()>> {
        let key = (scope.tenant().clone(), pool.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, learned);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for ProcessPools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessPools")
    }
}
