//! What a process gives its agents: the ports, shared by all of them.

use std::sync::Arc;

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
use largestack_types::id::OwnerId;

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
