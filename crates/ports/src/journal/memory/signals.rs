//! Events from outside, kept as long as the process lives.

use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use super::{MemoryJournal, ready};
use crate::BoxFuture;
use crate::signals::{Kept, Sent, Signal, Signals, Waiting};

impl Signals for MemoryJournal {
    fn send<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        signal: Signal,
    ) -> BoxFuture<'a, Result<Sent>> {
        let now = self.now();
        ready(self.with(scope, |tenant| tenant.inbox.send(now, root, signal)))
    }

    fn take<'a>(
        &'a self,
        scope: &'a Scope,
        waiting: Waiting<'a>,
    ) -> BoxFuture<'a, Result<Option<Kept>>> {
        ready(Ok(self.with(scope, |tenant| tenant.inbox.take(waiting))))
    }

    fn kept<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, Result<Vec<Kept>>> {
        ready(Ok(self.with(scope, |tenant| tenant.inbox.kept(root))))
    }
}
