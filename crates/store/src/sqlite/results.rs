//! Results of tools that may be given again, in the file of the cache: whatever is lost with it is
//! worked out again.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::results::{KeptResult, Results};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::sqlite::shelf::{Shelf, shelf};
use crate::sqlite::store::{Store, failed};

/// The table.
const SHELF: Shelf = shelf!("results", "result");

impl Results for Store {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<Option<Arc<KeptResult>>>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let data = SHELF.get(connection, tenant.as_str(), key, now).map_err(failed(&path))?;
            // One that cannot be read, perhaps of another version, is none.
            Ok(data.and_then(|data| serde_json::from_str(&data).ok()).map(Arc::new))
        })
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        result: Arc<KeptResult>,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<()>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            SHELF.put(connection, (tenant.as_str(), key, result.expires), &result, now)
        })
    }
}
