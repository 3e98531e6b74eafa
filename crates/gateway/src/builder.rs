//! How a gateway is put together.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use largestack_ports::cache::{Cache, MemoryCache};
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::ledger::Ledger;
use largestack_ports::limits::Limits;
use largestack_ports::pools::PoolMemory;
use largestack_ports::switch::Switch;
use largestack_ports::tasks::Tasks;
use largestack_ports::tokenizer::Tokenizer;
use largestack_ports::transport::{Timeouts, Transport};
use largestack_types::label::DataClass;
use largestack_wire::Registry;
use largestack_wire::price::Book;

use crate::gateway::Gateway;
use crate::layers::breaker::BreakerPolicy;
use crate::layers::cache::{CachePolicy, Caches};
use crate::layers::fallback::{FallbackPolicy, Plans, ProviderRule, Shared};
use crate::layers::rate_limit::RateLimits;
use crate::layers::retry::RetryPolicy;
use crate::route::Routes;
use crate::routing::{Pool, Router};
use crate::stack::stack;

/// What a gateway needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// The way to providers.
    pub transport: Arc<dyn Transport>,
    /// Budgets.
    pub ledger: Arc<dyn Ledger>,
    /// The kill switch.
    pub switch: Arc<dyn Switch>,
    /// Time: deadlines, waits between attempts, prices of the day.
    pub clock: Arc<dyn Clock>,
    /// Randomness: how long each wait is exactly.
    pub ids: Arc<dyn Ids>,
    /// Work that outlives a call: the settling of one that was dropped.
    pub tasks: Arc<dyn Tasks>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}

/// What the layers are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policies {
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    pub(crate) timeouts: Option<Timeouts>,
}

/// Builds a [`Gateway`].
pub struct Builder {
    ports: Ports,
    registry: Registry,
    prices: Book,
    plans: Plans,
    caches: Caches,
    pools: HashMap<Arc<str>, Arc<Pool>>,
    pool_memory: Option<Arc<dyn PoolMemory>>,
    policies: Policies,
    rates: Option<Rates>,
    tokenizer: Option<Arc<dyn Tokenizer>>,
}

/// Where limits are kept, and which there are.
struct Rates(Arc<dyn Limits>, RateLimits);

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

impl Builder {
    pub(crate) fn new(ports: Ports) -> Self {
        Self {
            ports,
            registry: Registry::default(),
            prices: Book::builtin().clone(),
            plans: Plans::default(),
            caches: Caches::default(),
            pools: HashMap::new(),
            pool_memory: None,
            policies: Policies::default(),
            rates: None,
            tokenizer: None,
        }
    }

    /// The providers, instead of the built-in table.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// The prices, instead of the built-in list.
    #[must_use]
    pub fn prices(mut self, prices: Book) -> Self {
        self.prices = prices;
        self
    }

    /// The models that take over, in this order, when an agent's own model fails in a way in which
    /// another may not. Nothing takes over unless it is named here.
    #[must_use]
    pub fn fallbacks<M: Into<Arc<str>>>(
        mut self,
        agent: impl Into<Arc<str>>,
        models: impl IntoIterator<Item = M>,
    ) -> Self {
        let models = models.into_iter().map(Into::into).collect();
        self.plans.change(agent.into(), |plan| plan.models = models);
        self
    }

    /// When the next model of an agent's list takes over.
    #[must_use]
    pub fn fallback_policy(mut self, agent: impl Into<Arc<str>>, policy: FallbackPolicy) -> Self {
        self.plans.change(agent.into(), |plan| plan.policy = policy);
        self
    }

    /// Labels of which a provider must have one to be asked by an agent, as its row says them
    /// (`residency`). Models of this process are always within. Without labels anybody may be
    /// asked.
    #[must_use]
    pub fn residency<L: Into<Arc<str>>>(
        mut self,
        agent: impl Into<Arc<str>>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        self.plans.change(agent.into(), |plan| plan.residency = labels);
        self
    }

    /// Who may be told data of these kinds by an agent, as the labels of a call's parts say them, in place
    /// of what was said before. What a guard has taken out of a text is not in it. Texts that are embedded
    /// or reranked bear no labels, and go only to who may be told all of these kinds.
    #[must_use]
    pub fn provider_policy(
        mut self,
        agent: impl Into<Arc<str>>,
        rules: impl IntoIterator<Item = (DataClass, ProviderRule)>,
    ) -> Self {
        let rules = rules.into_iter().collect();
        self.plans.change(agent.into(), |plan| plan.classes = rules);
        self
    }

    /// Serves the name `pool/NAME` by whichever of the pool's models is chosen for a call. An
    /// agent's fallbacks come after all of them.
    #[must_use]
    pub fn pool(mut self, name: &str, pool: Pool) -> Self {
        self.pools.insert(format!("pool/{name}").into(), Arc::new(pool));
        self
    }

    /// Where pools keep what they learn; without one it ends with the process.
    #[must_use]
    pub fn pool_memory(mut self, memory: Arc<dyn PoolMemory>) -> Self {
        self.pool_memory = Some(memory);
        self
    }

    /// Which calls of an agent are answered from the cache, and which replies are kept. Nothing is
    /// of agents that are not named here.
    #[must_use]
    pub fn cache(mut self, agent: impl Into<Arc<str>>, policy: CachePolicy) -> Self {
        self.caches.policies.insert(agent.into(), Arc::new(policy));
        self
    }

    /// The most memory that kept replies take, in bytes; 64 MiB unless it is said.
    #[must_use]
    pub fn cache_memory(mut self, bytes: usize) -> Self {
        self.caches.memory = MemoryCache::new(bytes);
        self
    }

    /// Where replies are kept behind the memory, for other processes and after a restart.
    #[must_use]
    pub fn cache_store(mut self, store: Arc<dyn Cache>) -> Self {
        self.caches.store = Some(store);
        self
    }

    /// When and how often a transient failure is tried again.
    #[must_use]
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policies.retry = policy;
        self
    }

    /// How many calls, tokens and dollars per minute, and where that is kept. Without it nothing is
    /// limited.
    #[must_use]
    pub fn rate_limits(mut self, kept: Arc<dyn Limits>, limits: RateLimits) -> Self {
        self.rates = (!limits.limits.is_empty()).then_some(Rates(kept, limits));
        self
    }

    /// When a provider is spared.
    #[must_use]
    pub const fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.policies.breaker = policy;
        self
    }

    /// How long each part of an exchange may take, whatever the rows of the providers say.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.policies.timeouts = Some(timeouts);
        self
    }

    /// Counts the words of a call as the model's own tokeniser does, where this one knows it: what is
    /// reserved for the input is less then. Without it, or where it does not know, words count as
    /// their bytes.
    #[must_use]
    pub fn tokenizer(mut self, tokenizer: Arc<dyn Tokenizer>) -> Self {
        self.tokenizer = Some(tokenizer);
        self
    }

    /// The gateway.
    pub fn build(self) -> Gateway {
        let Self { ports, registry, prices, plans, caches, pools, .. } = self;
        let Self { pool_memory, policies, rates, tokenizer, .. } = self;
        let rates = rates.map(|Rates(kept, limits)| (kept, limits));
        let routes = Arc::new(Routes::new(registry, prices, pools, tokenizer));
        let chooser = Router::new(pool_memory, ports.clock.clone(), ports.tasks.clone());
        let shared =
            Shared { plans, routes, router: Arc::new(chooser), clock: ports.clock.clone() };
        let shared = Arc::new(shared);
        let stack = stack(&ports, policies, &shared, &Arc::new(caches), rates);
        Gateway::new(stack, shared, ports.clock)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("plans", &self.plans)
            .field("caches", &self.caches)
            .field("pools", &self.pools)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}
