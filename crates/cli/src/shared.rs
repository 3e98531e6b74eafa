//! Where a project keeps what all its runs share, budgets and limits per minute: in its own state,
//! or in a server where several machines run it.

use std::sync::Arc;

use largestack_ports::ledger::{Account, BudgetKey, Ledger};
use largestack_ports::limits::Limits;
use largestack_store::Store;
use largestack_types::errors::Result;
use largestack_types::scope::Scope;

/// What all runs of a project share.
pub(crate) struct Shared {
    /// Budgets.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Limits per minute.
    pub(crate) limits: Arc<dyn Limits>,
    /// The scopes that have had a limit so far.
    pub(crate) limited: Vec<(BudgetKey, Account)>,
}

/// Opens what a project shares. Called inside the async runtime.
pub(crate) async fn open(server: Option<&str>, store: &Store, scope: &Scope) -> Result<Shared> {
    if let Some(variable) = server {
        return server::open(variable, scope).await;
    }
    let limited = store.budgets(scope).await?;
    let store = Arc::new(store.clone());
    Ok(Shared { ledger: Arc::clone(&store) as Arc<dyn Ledger>, limits: store, limited })
}

/// The scopes of a server that have a limit. Called inside the async runtime.
pub(crate) async fn limited(variable: &str, scope: &Scope) -> Result<Vec<(BudgetKey, Account)>> {
    Ok(server::open(variable, scope).await?.limited)
}

#[cfg(feature = "postgres")]
mod server {
    use std::sync::Arc;

    use largestack_config::Environment;
    use largestack_http::{OsIds, SystemClock};
    use largestack_ports::clock::Clock as _;
    use largestack_ports::ids::MakeId as _;
    use largestack_ports::ledger::Ledger;
    use largestack_store::PostgresStore;
    use largestack_types::errors::{Code, LargestackError, Result};
    use largestack_types::scope::Scope;

    use super::Shared;

    fn unset(variable: &str) -> LargestackError {
        LargestackError::with_advice(
            Code::Config,
            format!("`store.postgres` names the variable {variable}, which is not set"),
            format!("Set {variable} to postgres://user:password@host/database"),
        )
    }

    pub(super) async fn open(variable: &str, scope: &Scope) -> Result<Shared> {
        let address = Environment::of_process().variable(variable);
        let address = address.ok_or_else(|| unset(variable))?;
        let owner = OsIds::new()?.owner_id(SystemClock.now());
        let store = PostgresStore::connect(address.expose(), owner, Arc::new(SystemClock)).await?;
        let limited = store.budgets(scope).await?;
        let store = Arc::new(store);
        Ok(Shared { ledger: Arc::clone(&store) as Arc<dyn Ledger>, limits: store, limited })
    }
}

#[cfg(not(feature = "postgres"))]
mod server {
    use largestack_types::errors::{Code, LargestackError, Result};
    use largestack_types::scope::Scope;

    use super::Shared;

    #[expect(clippy::unused_async, reason = "what has the feature connects here")]
    pub(super) async fn open(_variable: &str, _scope: &Scope) -> Result<Shared> {
        Err(LargestackError::with_advice(
            Code::Config,
            "`store.postgres` needs the feature `postgres`, which this program was built without",
            "Build it with --features postgres, or take the key out",
        ))
    }
}
