//! Secrets of a tenant by name: keys of providers that stand in no variable. What is far away is
//! fetched beforehand by whoever implements this: a key is asked for at every request, and the
//! answer must not wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use largestack_types::errors::Result;
use largestack_types::scope::{Scope, TenantId};

use crate::vault::Sensitive;

/// Where secrets are kept.
pub trait Secrets: Send + Sync + 'static {
    /// The secret of this name; `None` when there is none. A store that cannot be opened is an
    /// error, never an absence.
    fn get(&self, scope: &Scope, name: &str) -> Result<Option<Sensitive>>;
}

/// Secrets that end with the process.
#[derive(Default)]
pub struct MemorySecrets(Mutex<HashMap<(TenantId, String), Sensitive>>);

impl MemorySecrets {
    /// Keeps a secret, in place of one of the same name.
    pub fn set(&self, scope: &Scope, name: impl Into<String>, value: Sensitive) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert((scope.tenant().clone(), name.into()), value);
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySecrets(..)")
    }
}

impl Secrets for MemorySecrets {
    fn get(&self, scope: &Scope, name: &str) -> Result<Option<Sensitive>> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(secrets.get(&(scope.tenant().clone(), name.to_owned())).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_tenants_alone_and_never_prints() {
        let secrets = MemorySecrets::default();
        let (ours, other) = (Scope::local(), TenantId::new("other").unwrap());
        let other = Scope::authenticated(other, "eve");
        secrets.set(&ours, "openai", Sensitive::new("sk-verysecret"));
        assert_eq!(secrets.get(&ours, "openai").unwrap().unwrap().expose(), "sk-verysecret");
        assert!(secrets.get(&other, "openai").unwrap().is_none());
        assert!(!format!("{secrets:?}").contains("verysecret"));
    }
}
