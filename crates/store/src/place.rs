//! Where something is kept, and what a sealed value is therefore bound to.

use std::sync::Arc;

use largestack_ports::sessions::vault_root;
use largestack_types::hash::Hash;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::{Scope, TenantId};

/// A session of a user of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub tenant: TenantId,
    pub principal: Arc<str>,
    pub session: SessionId,
}

impl Place {
    pub(crate) fn of(scope: &Scope, session: SessionId) -> Self {
        Self { tenant: scope.tenant().clone(), principal: scope.principal().into(), session }
    }

    /// Where the vault keeps what its placeholders stand for.
    pub(crate) fn vault(&self) -> RunId {
        vault_root(&self.principal, self.session)
    }

    fn bound(&self, what: &[u8]) -> Hash {
        let kind = b"largestack session 1".as_slice();
        let (tenant, user) = (self.tenant.as_str().as_bytes(), self.principal.as_bytes());
        Hash::of_all([kind, tenant, user, self.session.as_bytes(), what])
    }

    /// What the session's key is bound to.
    pub(crate) fn of_key(&self) -> Hash {
        self.bound(b"key")
    }

    /// What the summary is bound to.
    pub(crate) fn of_digest(&self) -> Hash {
        self.bound(b"digest")
    }

    /// What the exchange of a run is bound to.
    pub(crate) fn of_run(&self, run: RunId) -> Hash {
        self.bound(run.as_bytes())
    }
}

/// A run tree of a tenant.
#[derive(Clone)]
pub(crate) struct Tree {
    pub tenant: TenantId,
    pub root: RunId,
}

impl Tree {
    pub(crate) fn of(scope: &Scope, root: RunId) -> Self {
        Self { tenant: scope.tenant().clone(), root }
    }

    /// What a sealed value is bound to; a data key is bound to the place without a placeholder.
    pub(crate) fn place(&self, placeholder: &str) -> Hash {
        let (tenant, root) = (self.tenant.as_str().as_bytes(), self.root.as_bytes());
        Hash::of_all([b"largestack vault 1".as_slice(), tenant, root, placeholder.as_bytes()])
    }
}
