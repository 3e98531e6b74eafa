//! A runtime of one process, put together: providers from the environment and of one's own, models
//! of this process, and state in memory or in a folder.

use std::sync::Arc;

use largestack_agent::Runtime;
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_cassette::{Cassette, Deck};
use largestack_config::Environment;
use largestack_gateway::{Gateway, InheritingTasks, Ports};
use largestack_http::{
    CloudTransport, Credentials, HttpTransport, OsIds, Overheard, SystemClock, TokioTasks,
};
use largestack_knowledge::{Extractive, model};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::journal::MemoryJournal;
use largestack_ports::ledger::{Ledger, MemoryLedger};
use largestack_ports::model::Model;
use largestack_ports::switch::{MemorySwitch, Switch};
use largestack_ports::transport::Transport;
use largestack_ports::vault::{MemoryVault, Sensitive};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_wire::Registry;
use largestack_wire::price::Book;
use largestack_wire::provider::Section;

#[cfg(feature = "sqlite")]
mod kept;
#[cfg(feature = "sqlite")]
use kept::{Kept, Place};

/// A runtime of one process, being put together.
///
/// ```
/// use largestack::{Agent, Local, Scope};
/// use largestack_testkit::{TestModel, Turn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> largestack::Result<()> {
/// # let folder = tempfile::tempdir().map_err(|error| {
/// #     largestack::LargestackError::other(largestack::errors::Code::Unknown, error.to_string())
/// # })?;
/// # let folder = folder.path();
/// let runtime = Local::new()
///     .model("test/one", TestModel::new([Turn::text("Good morning.")]))
///     .store(folder)
///     .build()?;
/// let agent = Agent::builder("greeter").model("test/one").build(runtime)?;
/// let answer = agent.run(&Scope::local(), "Good morning!").await?;
/// assert_eq!(answer.output, "Good morning.");
/// assert!(folder.join("state.db").is_file());
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Default)]
pub struct Local {
    registry: Registry,
    prices: Book,
    models: Vec<(Arc<str>, Arc<dyn Model>)>,
    fallbacks: Vec<(Arc<str>, Vec<Arc<str>>)>,
    cassette: Option<Deck>,
    #[cfg(feature = "sqlite")]
    store: Option<Place>,
}

impl Local {
    /// The built-in providers with keys from the environment, `offline/extractive`, and state in
    /// memory.
    pub fn new() -> Self {
        let mut local = Self { prices: Book::builtin().clone(), ..Self::default() };
        Environment::of_process().fill(&mut local.registry);
        local
    }

    /// Adds a provider, or changes the one of that name in what the section says.
    pub fn provider(mut self, name: impl Into<Arc<str>>, section: Section) -> Self {
        self.registry.define(name, section);
        self
    }

    /// Adds prices, before those that are known.
    pub fn prices(mut self, prices: Book) -> Self {
        self.prices.extend(prices);
        self
    }

    /// Serves a name, e.g. `test/one`, by a model of one's own. It passes the layers of every
    /// other, and costs nothing unless there is a price for it.
    pub fn model(mut self, name: impl Into<Arc<str>>, model: impl Model) -> Self {
        self.models.push((name.into(), Arc::new(model)));
        self
    }

    /// Models to try, in this order, where the one of an agent of this name fails in a way that
    /// another may not. Each is told the same and costs what it costs; where all fail, the error is
    /// [`AllProvidersFailedError`](largestack_types::errors::AllProvidersFailedError).
    pub fn fallbacks<M: Into<Arc<str>>>(
        mut self,
        agent: impl Into<Arc<str>>,
        models: impl IntoIterator<Item = M>,
    ) -> Self {
        self.fallbacks.push((agent.into(), models.into_iter().map(Into::into).collect()));
        self
    }

    /// Keeps journal, budgets, approvals, placeholders, the kill switch and caches in a folder,
    /// which any number of processes may share. What it holds of earlier runs is there again.
    #[cfg(feature = "sqlite")]
    pub fn store(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.store = Some(Place::Folder(folder.into()));
        self
    }

    /// Keeps all that in a Postgres server (`postgres://user:password@host/database`), which any
    /// number of machines may share: of two processes one drives a run, and one that dies, or stands
    /// still for half a minute, loses its runs to whoever takes them up. `key_file` holds the key
    /// that placeholders' values and conversations are sealed with: every machine needs the same
    /// one; it is made where the server holds nothing sealed yet. The server is connected to when
    /// the runtime is built.
    #[cfg(feature = "postgres")]
    pub fn postgres(
        mut self,
        address: impl Into<Arc<str>>,
        key_file: impl Into<std::path::PathBuf>,
    ) -> Self {
        self.store = Some(Place::Server(Sensitive::new(address), key_file.into()));
        self
    }

    /// Gives what this cassette holds in the place of providers, and records into it what it says
    /// that it records. Keys that go out are never written, wherever an answer repeats them.
    pub fn cassette(mut self, cassette: &Cassette) -> Self {
        self.cassette = Some(cassette.deck());
        self
    }

    /// The runtime. Called inside a tokio runtime.
    pub fn build(self) -> Result<Runtime> {
        let mut parts = Parts::new()?;
        #[cfg(feature = "sqlite")]
        let kept = self.store.map(|place| Kept::open(place, &mut parts)).transpose()?;
        let below = gateway_ports(&parts, &self.registry, self.cassette);
        let mut gateway = Gateway::builder(below).registry(self.registry).prices(self.prices);
        #[cfg(feature = "tokens")]
        {
            gateway = gateway.tokenizer(Arc::new(largestack_tokens::Tiktoken));
        }
        for (agent, models) in self.fallbacks {
            gateway = gateway.fallbacks(agent, models);
        }
        #[cfg(feature = "sqlite")]
        let gateway = match &kept {
            Some(kept) => {
                gateway.cache_store(Arc::clone(&kept.cache)).pool_memory(Arc::clone(&kept.pools))
            }
            None => gateway,
        };
        let gateway = gateway.build();
        gateway.register(model::NAME, Arc::new(Extractive::default()));
        for (name, model) in self.models {
            gateway.register(name, model);
        }
        let runtime = parts.with(Arc::new(gateway));
        #[cfg(feature = "sqlite")]
        let runtime = match kept {
            Some(kept) => kept.under(runtime),
            None => runtime,
        };
        Ok(runtime)
    }
}

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
/// `offline/extractive`. Called inside a tokio runtime. [`Local`] has more to say.
pub fn local() -> Result<Runtime> {
    Local::new().build()
}

/// A runtime in memory with a model of one's own, without a gateway before it. Called inside a
/// tokio runtime.
pub fn local_with(model: impl Model) -> Result<Runtime> {
    Ok(Parts::new()?.with(Arc::new(model)))
}

/// The gateway of [`local`] alone: it answers as a model, and with
/// [`Embedder`](largestack_ports::embedder::Embedder) and
/// [`Reranker`](largestack_ports::reranker::Reranker) it makes vectors of texts and puts documents
/// in order. Called inside a tokio runtime.
pub fn local_gateway() -> Result<Gateway> {
    let local = Local::new();
    let ports = gateway_ports(&Parts::new()?, &local.registry, None);
    let gateway = Gateway::builder(ports).registry(local.registry).build();
    gateway.register(model::NAME, Arc::new(Extractive::default()));
    Ok(gateway)
}

fn gateway_ports(parts: &Parts, registry: &Registry, cassette: Option<Deck>) -> Ports {
    let environment = Environment::of_process();
    let environs = Environs { environment: Environment::of_process(), registry: registry.clone() };
    let variables = Arc::new(move |name: &str| environment.variable(name));
    let clock = Arc::clone(&parts.clock);
    let transport: Arc<dyn Transport> = match cassette {
        None => Arc::new(CloudTransport::new(HttpTransport::new(environs), clock, variables)),
        Some(deck) => {
            let heard = deck.clone();
            let environs = Overheard::new(environs, move |key: &Sensitive| heard.conceal(key));
            let transport = CloudTransport::new(HttpTransport::new(environs), clock, variables);
            deck.over(Arc::new(transport))
        }
    };
    Ports {
        transport,
        ledger: Arc::clone(&parts.ledger),
        switch: Arc::clone(&parts.switch),
        clock: Arc::clone(&parts.clock),
        ids: Arc::clone(&parts.ids),
        tasks: Arc::new(parts.tasks.clone()),
    }
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
            tasks: Arc::new(InheritingTasks(Arc::new(self.tasks))),
            live: LiveRuns::default(),
        }
    }
}
