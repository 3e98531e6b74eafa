//! Scope: whose data a call may touch. Every store call takes one.
//!
//! A scope is made in three named places only, which `cargo xtask tidy` lists: authentication,
//! the local single-user default, and an operator entering a tenant.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A tenant's name: 1 to 64 of `a-z`, `0-9`, `-`, `_`, beginning with a letter or digit. Safe as a
/// path segment, a key prefix and a metric label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

/// Text that cannot name a tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a tenant: 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit"
)]
pub struct NotATenant(pub String);

impl TenantId {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, NotATenant> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(name.into())) } else { Err(NotATenant(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = NotATenant;

    fn try_from(name: String) -> Result<Self, NotATenant> {
        Self::new(&name)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0.as_ref().to_owned()
    }
}

/// The tenant and principal on whose behalf something happens. Not deserialisable: a scope comes
/// from authentication, never from input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    tenant: TenantId,
    principal: Arc<str>,
}

impl Scope {
    /// The single user of a local installation: tenant `local`, principal `local`.
    pub fn local() -> Self {
        Self { tenant: TenantId("local".into()), principal: "local".into() }
    }

    /// A principal that authentication has proved to belong to the tenant.
    pub fn authenticated(tenant: TenantId, principal: impl Into<Arc<str>>) -> Self {
        Self { tenant, principal: principal.into() }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who acts within the tenant.
    pub fn principal(&self) -> &str {
        &self.principal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names_are_safe_as_path_segments() {
        assert!(TenantId::new("acme-2").is_ok());
        assert!(TenantId::new(&"a".repeat(64)).is_ok());
        for wrong in ["", "..", "a/b", "A", "-a", "_a", "a b", &"a".repeat(65)] {
            assert!(TenantId::new(wrong).is_err(), "{wrong}");
        }
    }
}
