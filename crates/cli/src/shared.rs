//! Where a project keeps what its runs leave and share: in its own state, or in a server where several
//! machines run it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_config as config;
use largestack_flow::worker::no_queue;
use largestack_ports::approvals::Approvals;
use largestack_ports::cache::Cache;
use largestack_ports::journal::Journal;
use largestack_ports::ledger::{Account, BudgetKey, Ledger};
use largestack_ports::limits::Limits;
use largestack_ports::pools::PoolMemory;
use largestack_ports::results::Results;
use largestack_ports::switch::{Switch, Thrown};
use largestack_ports::vault::TokenVault;
use largestack_store::{Store, SwitchScope};
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use crate::args::Global;
use crate::{compose, place};

/// What the runs of a project leave and share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Runs.
    pub(crate) journal: Arc<dyn Journal>,
    /// What placeholders stand for.
    pub(crate) vault: Arc<dyn TokenVault>,
    /// The kill switch, as runs ask it.
    pub(crate) switch: Arc<dyn Switch>,
    /// Questions to people.
    pub(crate) approvals: Arc<dyn Approvals>,
    /// Budgets.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Limits per minute.
    pub(crate) limits: Arc<dyn Limits>,
    /// Results of tools that may be given again.
    pub(crate) results: Arc<dyn Results>,
    /// Replies that may be given again.
    pub(crate) cache: Arc<dyn Cache>,
    /// What pools have learned.
    pub(crate) pools: Arc<dyn PoolMemory>,
    base: Base,
}

/// The store itself, for what no port has.
#[derive(Clone)]
enum Base {
    Files(Store),
    #[cfg(feature = "postgres")]
    Server(Arc<largestack_store::PostgresStore>),
}

/// What is opened for reading only stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Reading.
    Reading,
    /// Writing.
    Writing,
    /// Writing where there may be nothing yet.
    Making,
}

impl Shared {
    fn over<S>(store: &Arc<S>, base: Base) -> Self
    where
        S: Journal
            + TokenVault
            + Switch
            + Approvals
            + Ledger
            + Limits
            + Results
            + Cache
            + PoolMemory,
    {
        Self {
            journal: Arc::clone(store) as _,
            vault: Arc::clone(store) as _,
            switch: Arc::clone(store) as _,
            approvals: Arc::clone(store) as _,
            ledger: Arc::clone(store) as _,
            limits: Arc::clone(store) as _,
            results: Arc::clone(store) as _,
            cache: Arc::clone(store) as _,
            pools: Arc::clone(store) as _,
            base,
        }
    }

    /// What is kept in a folder's files.
    pub(crate) fn in_files(store: &Store) -> Self {
        Self::over(&Arc::new(store.clone()), Base::Files(store.clone()))
    }

    /// What is kept where a project says: in the server that the variable names, or in its files.
    pub(crate) fn open(server: Option<&str>, store: &Store) -> Result<Self> {
        match server {
            Some(variable) => server::open(variable, store.folder()),
            None => Ok(Self::in_files(store)),
        }
    }

    /// What a project keeps in its server.
    pub(crate) fn of_server(project: &config::Project) -> Result<Self> {
        let variable = project.postgres.as_deref().ok_or_else(no_queue)?;
        server::open(variable, &project.state)
    }

    /// The same for a worker, which keeps its runs as long as the project says.
    pub(crate) fn for_worker(project: &config::Project) -> Result<Self> {
        let variable = project.postgres.as_deref().ok_or_else(no_queue)?;
        server::open_for(variable, &project.state, Some(project.workers.lease))
    }

    /// The same of a project that has run before, with the folder of its state.
    pub(crate) fn of_project(
        global: &Global,
        path: Option<&Path>,
        purpose: For,
    ) -> Result<(PathBuf, Self)> {
        if let Some(variable) = place::server(path)? {
            let state = place::candidate(global, path)?;
            let shared = server::open(&variable, &state)?;
            return Ok((state, shared));
        }
        let state = match purpose {
            For::Making => place::for_writing(global, path)?,
            _ => place::existing(global, path)?,
        };
        let store = match purpose {
            For::Reading => compose::reader(&state)?,
            _ => compose::store(&state)?,
        };
        Ok((state, Self::in_files(&store)))
    }

    /// The scopes that have had a limit so far.
    pub(crate) async fn limited(&self, scope: &Scope) -> Result<Vec<(BudgetKey, Account)>> {
        match &self.base {
            Base::Files(store) => store.budgets_at(scope, compose::now()).await,
            #[cfg(feature = "postgres")]
            Base::Server(store) => store.budgets(scope).await,
        }
    }

    /// Throws the kill switch.
    pub(crate) async fn throw(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
    ) -> Result<Thrown> {
        match &self.base {
            Base::Files(store) => store.throw_switch(scope, by, reason).await,
            #[cfg(feature = "postgres")]
            Base::Server(store) => store.throw_switch(scope, by, reason).await,
        }
    }

    /// Lifts it; what it said.
    pub(crate) async fn lift(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
    ) -> Result<Option<Thrown>> {
        match &self.base {
            Base::Files(store) => store.lift_switch(scope, by, reason).await,
            #[cfg(feature = "postgres")]
            Base::Server(store) => store.lift_switch(scope, by, reason).await,
        }
    }

    /// Whether a living process holds a run, and so may go on with it.
    pub(crate) async fn is_driven(&self, scope: &Scope, run: RunId) -> Result<bool> {
        match &self.base {
            Base::Files(store) => store.is_driven(scope, run).await,
            #[cfg(feature = "postgres")]
            Base::Server(store) => store.is_driven(scope, run).await,
        }
    }

    /// The switches that are on.
    pub(crate) async fn switches(&self) -> Result<Vec<(SwitchScope, Thrown)>> {
        match &self.base {
            Base::Files(store) => store.switches().await,
            #[cfg(feature = "postgres")]
            Base::Server(store) => store.switches().await,
        }
    }

    /// Puts a new master key in the place of the one that there is.
    pub(crate) async fn rotate_key(&self) -> Result<u64> {
        match &self.base {
            Base::Files(store) => store.rotate_key().await,
            #[cfg(feature = "postgres")]
            Base::Server(_) => Err(server::keeps_its_key()),
        }
    }
}

/// What a server keeps, for `doctor`.
pub(crate) fn in_server(variable: &str, folder: &Path) -> Result<Shared> {
    server::open(variable, folder)
}

#[cfg(feature = "postgres")]
mod server {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use largestack_config::Environment;
    use largestack_http::{OsIds, SystemClock};
    use largestack_store::{KEY_FILE, PostgresOptions, PostgresStore};
    use largestack_types::errors::{Code, LargestackError, Result};

    use super::{Base, Shared};

    fn unset(variable: &str) -> LargestackError {
        LargestackError::with_advice(
            Code::Config,
            format!("`store.postgres` names the variable {variable}, which is not set"),
            format!("Set {variable} to postgres://user:password@host/database"),
        )
    }

    pub(super) fn keeps_its_key() -> LargestackError {
        LargestackError::with_advice(
            Code::Input,
            "the master key of a server is not changed by a machine that uses it",
            "Every machine has a copy of it; `store.postgres` keeps it as it is",
        )
    }

    pub(super) fn open(variable: &str, folder: &Path) -> Result<Shared> {
        open_for(variable, folder, None)
    }

    pub(super) fn open_for(
        variable: &str,
        folder: &Path,
        lease: Option<Duration>,
    ) -> Result<Shared> {
        let address = Environment::of_process().variable(variable);
        let address = address.ok_or_else(|| unset(variable))?;
        let (ids, clock) = (Arc::new(OsIds::new()?), Arc::new(SystemClock));
        let options = PostgresOptions::new(ids, clock, folder.join(KEY_FILE));
        let options = PostgresOptions { lease: lease.unwrap_or(options.lease), ..options };
        let store = Arc::new(PostgresStore::connect_blocking(address.expose(), options)?);
        Ok(Shared::over(&store, Base::Server(Arc::clone(&store))))
    }
}

#[cfg(not(feature = "postgres"))]
mod server {
    use std::path::Path;
    use std::time::Duration;

    use largestack_types::errors::{Code, LargestackError, Result};

    use super::Shared;

    pub(super) fn open(variable: &str, folder: &Path) -> Result<Shared> {
        open_for(variable, folder, None)
    }

    pub(super) fn open_for(_: &str, _: &Path, _: Option<Duration>) -> Result<Shared> {
        Err(LargestackError::with_advice(
            Code::Config,
            "`store.postgres` needs the feature `postgres`, which this program was built without",
            "Build it with --features postgres, or take the key out",
        ))
    }
}
