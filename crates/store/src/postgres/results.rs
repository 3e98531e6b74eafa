//! Results of tools that may be given again: whatever is lost is worked out again.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::results::{KeptResult, Results};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::postgres::server::PostgresStore;
use crate::postgres::shelf::{Shelf, shelf};

/// The table.
const SHELF: Shelf = shelf!("results", "result");

impl Results for PostgresStore {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<Option<Arc<KeptResult>>>> {
        self.inside(
            async move { Ok(SHELF.get(self, (scope.tenant(), key), now).await?.map(Arc::new)) },
        )
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        result: Arc<KeptResult>,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<()>> {
        self.inside(async move {
            SHELF.put(self, (scope.tenant(), key, result.expires), &*result, now).await
        })
    }
}
