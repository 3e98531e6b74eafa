//! What every call to a model stands on: a way out, credentials, time and randomness.

use std::sync::Arc;

use largestack_cassette::Deck;
use largestack_config::{self as config, Environment};
use largestack_gateway::Ports;
use largestack_http::{CloudTransport, HttpTransport, OsIds, Overheard, SystemClock, TokioTasks};
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::ledger::{Ledger, MemoryLedger};
use largestack_ports::switch::Switch;
use largestack_ports::transport::Transport;
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_wire::Registry;

use crate::keys::Keys;
use crate::network;

/// What every call to a model stands on.
pub(crate) struct Ground {
    /// The ports of a gateway.
    pub(crate) ports: Ports,
    /// Work that must be over before the process ends.
    pub(crate) tasks: TokioTasks,
}

/// Lays the ground for calls to these providers, of which those in the cassette are given from it.
/// Called inside the async runtime.
pub(crate) fn ground(
    providers: &Registry,
    network: &config::Network,
    switch: Arc<dyn Switch>,
    cassette: Option<Deck>,
) -> Result<Ground> {
    let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tasks = TokioTasks::current().map_err(|error| {
        LargestackError::other(Code::Unknown, format!("no async runtime: {error}"))
    })?;
    let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::default());
    let credentials = Keys::of_process()?.of(providers.clone());
    let environment = Environment::of_process();
    let variables = Arc::new(move |name: &str| environment.variable(name));
    let heard = cassette.clone();
    let credentials = Overheard::new(credentials, move |key: &Sensitive| {
        if let Some(cassette) = &heard {
            cassette.conceal(key);
        }
    });
    let transport = HttpTransport::over(network::of(network)?, credentials);
    let transport = CloudTransport::new(transport, Arc::clone(&clock), variables);
    let mut transport: Arc<dyn Transport> = Arc::new(transport);
    if let Some(cassette) = cassette {
        transport = cassette.over(transport);
    }
    let ports = Ports { transport, ledger, switch, clock, ids, tasks: Arc::new(tasks.clone()) };
    Ok(Ground { ports, tasks })
}
