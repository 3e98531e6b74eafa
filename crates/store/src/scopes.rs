//! The scopes of a reservation, as a row keeps them.

use std::sync::Arc;

use largestack_ports::ledger::BudgetKey;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::scope::TenantId;

use crate::error::{Result, StoreError};

/// The one tenant of the scopes, and the scopes as JSON.
pub(crate) fn written(keys: &[BudgetKey]) -> Result<(TenantId, String)> {
    let wrong = |detail| StoreError::Refused(LargestackError::other(Code::Budget, detail));
    let Some(first) = keys.first() else {
        return Err(wrong("a reservation needs a scope"));
    };
    if keys.iter().any(|key| key.tenant != first.tenant) {
        return Err(wrong("the scopes of a reservation are of one tenant"));
    }
    let pairs: Vec<_> = keys.iter().map(|key| (key.kind.as_str(), key.name.to_string())).collect();
    let text = serde_json::to_string(&pairs)
        .map_err(|source| StoreError::Unwritable { what: "scopes", source })?;
    Ok((first.tenant.clone(), text))
}

/// The scopes that were written for a tenant.
pub(crate) fn read(tenant: &TenantId, text: &str) -> Result<Arc<[BudgetKey]>> {
    let wrong = || StoreError::Value { what: "reservation" };
    let pairs: Vec<(String, String)> = serde_json::from_str(text).map_err(|_| wrong())?;
    let key = |(kind, name): (String, String)| {
        BudgetKey::read(tenant.clone(), &kind, &name).ok_or_else(wrong)
    };
    pairs.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::scope::Scope;

    #[test]
    fn scopes_are_read_back_as_they_were_written() {
        let scope = Scope::local();
        let keys = BudgetKey::around_run(&scope, &"a \"quoted\" name".into());
        let (tenant, text) = written(&keys).unwrap();
        assert_eq!(*read(&tenant, &text).unwrap(), keys);
        assert!(read(&tenant, r#"[["planet","earth"]]"#).is_err());
    }

    #[test]
    fn scopes_of_two_tenants_or_none_are_refused() {
        let other = Scope::authenticated(TenantId::new("other").unwrap(), "ann");
        let keys = [BudgetKey::tenant(&Scope::local()), BudgetKey::tenant(&other)];
        assert!(written(&keys).is_err());
        assert!(written(&[]).is_err());
        assert!(written(&keys[..1]).is_ok());
    }
}
