//! A runtime for one process and one user: everything in memory, providers from the environment.

use std::sync::Arc;

use largestack_agent::Runtime;
use largestack_agent::runtime::ToolPorts;
use largestack_config::Environment;
use largestack_gateway::{Gateway, Ports};
use largestack_http::{CloudTransport, Credentials, HttpTransport, OsIds, SystemClock, TokioTasks};
use largestack_knowledge::{Extractive, model};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::journal::MemoryJournal;
use largestack_ports::ledger::{Ledger, MemoryLedger};
use largestack_ports::model::Model;
use largestack_ports::switch::{MemorySwitch, Switch};
use largestack_ports::vault::{MemoryVault, Sensitive};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_wire::Registry;

/// Keys as the environment has them: `LARGESTACK_<PROVIDER>_API_KEY`, then the vendor's own name.
struct Environs {
    environment: Environment,
    registry: Registry,
}

impl Credentials for Environs {
    fn key(&self, provider: &str) -> Result<Option<Sensitive>> {
        let row = self.registry.provider(provider);
        Ok(row.and_then(|row| self.environment.credential(row)).map(|credential| credential.key))
    }

    fn variable(&self, provider: &str) -> String {
        largestack_config::own_key_variable(provider)
    }
}

/// A runtime in memory whose models are those of the providers with a key in the environment, and
/// `offline/extractive`. Called inside a tokio runtime.
pub fn local() -> Result<Runtime> {
    let house = Parts::new()?;
    let gateway = gateway(&house);
    Ok(house.with(Arc::new(gateway)))
}

/// The gateway of [`local`] alone: it answers as a model, and with
/// [`Embedder`](largestack_ports::embedder::Embedder) and
/// [`Reranker`](largestack_ports::reranker::Reranker) it makes vectors of texts and puts documents
/// in order. Called inside a tokio runtime.
pub fn local_gateway() -> Result<Gateway> {
    Ok(gateway(&Parts::new()?))
}

fn gateway(house: &Parts) -> Gateway {
    let mut registry = Registry::default();
    let environment = Environment::of_process();
    environment.fill(&mut registry);
    let environs = Environs { environment: Environment::of_process(), registry: registry.clone() };
    let variables = Arc::new(move |name: &str| environment.variable(name));
    let transport =
        CloudTransport::new(HttpTransport::new(environs), Arc::clone(&house.clock), variables);
    let ports = Ports {
        transport: Arc::new(transport),
        ledger: Arc::clone(&house.ledger),
        switch: Arc::clone(&house.switch),
        clock: Arc::clone(&house.clock),
        ids: Arc::clone(&house.ids),
        tasks: Arc::new(house.tasks.clone()),
    };
    let gateway = Gateway::builder(ports).registry(registry).build();
    gateway.register(model::NAME, Arc::new(Extractive::default()));
    gateway
}

/// A runtime in memory with a model of one's own, without a gateway before it. Called inside a
/// tokio runtime.
pub fn local_with(model: impl Model) -> Result<Runtime> {
    Ok(Parts::new()?.with(Arc::new(model)))
}

/// What every local runtime has.
struct Parts {
    ledger: Arc<dyn Ledger>,
    switch: Arc<dyn Switch>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    tasks: TokioTasks,
}

impl Parts {
    fn new() -> Result<Self> {
        let tasks = TokioTasks::current().map_err(|error| {
            LargestackError::other(Code::Unknown, format!("no async runtime: {error}"))
        })?;
        Ok(Self {
            ledger: Arc::new(MemoryLedger::default()),
            switch: Arc::new(MemorySwitch::default()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(OsIds::new()?),
            tasks,
        })
    }

    fn with(self, model: Arc<dyn Model>) -> Runtime {
        Runtime {
            journal: Arc::new(MemoryJournal::new(Arc::clone(&self.clock))),
            model,
            ledger: self.ledger,
            vault: Arc::new(MemoryVault::default()),
            switch: self.switch,
            tools: ToolPorts::in_memory(&self.clock),
            owner: self.ids.owner_id(self.clock.now()),
            clock: self.clock,
            ids: self.ids,
            tasks: Arc::new(self.tasks),
        }
    }
}
