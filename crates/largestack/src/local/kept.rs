//! Where a runtime keeps what outlives its process: files in a folder, or a server.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_agent::Runtime;
use largestack_agent::runtime::ToolPorts;
use largestack_ports::approvals::Approvals;
use largestack_ports::cache::Cache;
use largestack_ports::journal::Journal;
use largestack_ports::ledger::{Ledger, Sliced};
use largestack_ports::limits::Limits;
use largestack_ports::pools::PoolMemory;
use largestack_ports::results::Results;
use largestack_ports::switch::Switch;
use largestack_ports::vault::TokenVault;
use largestack_store::{Options, Store};
use largestack_types::errors::Result;

use super::Parts;

/// Where.
pub(super) enum Place {
    /// SQLite files in this folder.
    Folder(PathBuf),
    /// A server at this address, and the file of the master key.
    #[cfg(feature = "postgres")]
    Server(largestack_ports::vault::Sensitive, PathBuf),
}

/// The ports of a store, but for the ledger and the switch, which a gateway needs as well.
pub(super) struct Kept {
    journal: Arc<dyn Journal>,
    vault: Arc<dyn TokenVault>,
    tools: ToolPorts,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) pools: Arc<dyn PoolMemory>,
}

impl Kept {
    /// Opens a store, with budgets and the kill switch of these parts in it.
    pub(super) fn open(place: Place, parts: &mut Parts) -> Result<Self> {
        match place {
            Place::Folder(folder) => {
                let options = Options::new(Arc::clone(&parts.ids), Arc::clone(&parts.clock));
                Ok(Self::of(&Arc::new(Store::open(&folder, options)?), parts))
            }
            #[cfg(feature = "postgres")]
            Place::Server(address, key_file) => {
                let (ids, clock) = (Arc::clone(&parts.ids), Arc::clone(&parts.clock));
                let options = largestack_store::PostgresOptions::new(ids, clock, key_file);
                let address = address.expose();
                let store = largestack_store::PostgresStore::connect_blocking(address, options)?;
                Ok(Self::of(&Arc::new(store), parts))
            }
        }
    }

    fn of<S>(store: &Arc<S>, parts: &mut Parts) -> Self
    where
        S: Journal
            + TokenVault
            + Switch
            + Ledger
            + Limits
            + Results
            + Approvals
            + Cache
            + PoolMemory,
    {
        parts.ledger = Arc::new(Sliced::new(Arc::clone(store) as Arc<dyn Ledger>));
        parts.switch = Arc::clone(store) as _;
        Self {
            journal: Arc::clone(store) as _,
            vault: Arc::clone(store) as _,
            tools: ToolPorts {
                limits: Arc::clone(store) as _,
                results: Arc::clone(store) as _,
                approvals: Some(Arc::clone(store) as _),
            },
            cache: Arc::clone(store) as _,
            pools: Arc::clone(store) as _,
        }
    }

    /// The runtime with everything that outlives the process in the store.
    pub(super) fn under(self, runtime: Runtime) -> Runtime {
        Runtime { journal: self.journal, vault: self.vault, tools: self.tools, ..runtime }
    }
}
