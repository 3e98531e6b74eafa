//! What a process gives its agents: the ports, shared by all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_ports::approvals::Approvals;
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::journal::Journal;
use largestack_ports::ledger::Ledger;
use largestack_ports::limits::{Limits, MemoryLimits};
use largestack_ports::model::Model;
use largestack_ports::results::{MemoryResults, Results};
use largestack_ports::switch::Switch;
use largestack_ports::tasks::Tasks;
use largestack_ports::vault::TokenVault;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};

use crate::options::CancelHandle;

/// The ports of a process. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    /// Facts of runs.
    pub journal: Arc<dyn Journal>,
    /// The gateway, or a model of one's own.
    pub model: Arc<dyn Model>,
    /// Budgets.
    pub ledger: Arc<dyn Ledger>,
    /// What placeholders stand for.
    pub vault: Arc<dyn TokenVault>,
    /// The kill switch.
    pub switch: Arc<dyn Switch>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// Work that outlives its caller.
    pub tasks: Arc<dyn Tasks>,
    /// What tools share over runs.
    pub tools: ToolPorts,
    /// This process, as leases name it.
    pub owner: OwnerId,
    /// What is driven here.
    pub live: LiveRuns,
}

/// The runs that agents of a runtime and of its clones are driving, whoever started them: ended by a
/// signal to whoever drives them, not by taking them away.
#[derive(Clone, Default)]
pub struct LiveRuns(Arc<Mutex<HashMap<(TenantId, RunId), CancelHandle>>>);

impl LiveRuns {
    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, RunId), CancelHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a run until what this returns is dropped; `LARGESTACK_CONFLICT` where it is driven here
    /// already: a journal gives a run to its own process again, and would take it from itself.
    pub fn admit(&self, scope: &Scope, run: RunId, cancel: &CancelHandle) -> Result<Driven> {
        let key = (scope.tenant().clone(), run);
        match self.lock().entry(key.clone()) {
            Entry::Occupied(_) => {
                let detail = format!("{run} is driven by this process already");
                Err(LargestackError::other(Code::Conflict, detail))
            }
            Entry::Vacant(free) => {
                free.insert(cancel.clone());
                Ok(Driven { live: self.clone(), key, cancel: cancel.clone() })
            }
        }
    }

    /// What ends a run that is driven here.
    pub fn get(&self, scope: &Scope, run: RunId) -> Option<CancelHandle> {
        self.lock().get(&(scope.tenant().clone(), run)).cloned()
    }
}

impl fmt::Debug for LiveRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveRuns").field(&self.lock().len()).finish()
    }
}

/// A run that is driven here, for as long as this is held.
pub struct Driven {
    live: LiveRuns,
    key: (TenantId, RunId),
    cancel: CancelHandle,
}

impl Drop for Driven {
    fn drop(&mut self) {
        let mut live = self.live.lock();
        // Taken up again meanwhile, it is somebody else's.
        if live.get(&self.key).is_some_and(|now| now.is(&self.cancel)) {
            live.remove(&self.key);
        }
    }
}

/// What tools share over the runs of a process, or of all processes of a store.
#[derive(Clone)]
pub struct ToolPorts {
    /// Counts calls of tools that have a rate.
    pub limits: Arc<dyn Limits>,
    /// Results that may be given again.
    pub results: Arc<dyn Results>,
    /// Questions to people; `None` where nothing would keep them.
    pub approvals: Option<Arc<dyn Approvals>>,
}

impl ToolPorts {
    /// Shared by this process only, and gone with it. There are no questions to people: what they
    /// answer days later would find nobody.
    pub fn in_memory(clock: &Arc<dyn Clock>) -> Self {
        Self {
            limits: Arc::new(MemoryLimits::new(Arc::clone(clock))),
            results: Arc::new(MemoryResults::default()),
            approvals: None,
        }
    }
}
