//! Money: every call reserves its worst case in every scope it touches, then settles with what it
//! really used. The law: what is spent and reserved in a scope never exceeds its limit, whoever
//! else reserves from it, in this process or in another.
//!
//! A reservation belongs to its owner (a process). When the owner is gone, whoever notices settles
//! it at the amount last reported, or in full, and the account says how much of it is estimated.

use std::fmt;
use std::sync::Arc;

use largestack_types::errors::Result;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use crate::BoxFuture;

mod account;
mod limited;
mod memory;
mod meters;
mod sliced;

pub use account::{Account, BudgetLimits};
pub use limited::LimitedScopes;
pub use memory::MemoryLedger;
pub use sliced::Sliced;

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKind {
    /// A run and everything under it. Its account lives as long as the run is driven: what it has
    /// spent is in its journal.
    Run,
    /// All runs of an agent.
    Agent,
    /// Everything done on behalf of a principal.
    User,
    /// Everything paid by an API key.
    Key,
    /// Everything of a team.
    Team,
    /// Everything of a tenant.
    Tenant,
}

impl BudgetKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Run, Self::Agent, Self::User, Self::Key, Self::Team, Self::Tenant];

    /// As errors and stores name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Agent => "agent",
            Self::User => "user",
            Self::Key => "key",
            Self::Team => "team",
            Self::Tenant => "tenant",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A scope with a budget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is for.
    pub kind: BudgetKind,
    /// Which one of its kind.
    pub name: BudgetName,
}

/// Which scope of a kind: a run by its id, so that a run need not be spelt out, all others by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetName {
    /// A run.
    Run(RunId),
    /// Anything else.
    Text(Arc<str>),
}

impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => run.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl BudgetKey {
    /// A scope of a tenant.
    pub fn new(scope: &Scope, kind: BudgetKind, name: impl Into<Arc<str>>) -> Self {
        Self { tenant: scope.tenant().clone(), kind, name: BudgetName::Text(name.into()) }
    }

    /// The scope that a store has kept under these words; `None` where they name none.
    pub fn read(tenant: TenantId, kind: &str, name: &str) -> Option<Self> {
        let kind = BudgetKind::parse(kind)?;
        let name = match kind {
            BudgetKind::Run => BudgetName::Run(name.parse().ok()?),
            _ => BudgetName::Text(name.into()),
        };
        Some(Self { tenant, kind, name })
    }

    /// A run and everything under it.
    pub fn run_tree(scope: &Scope, root: RunId) -> Self {
        let (tenant, name) = (scope.tenant().clone(), BudgetName::Run(root));
        Self { tenant, kind: BudgetKind::Run, name }
    }

    /// Everything of the tenant.
    pub fn tenant(scope: &Scope) -> Self {
        Self::everything_of(scope.tenant())
    }

    /// The principal.
    pub fn user(scope: &Scope) -> Self {
        Self::new(scope, BudgetKind::User, scope.principal())
    }

    /// An agent of the tenant.
    pub fn agent(scope: &Scope, agent: &Arc<str>) -> Self {
        Self::new(scope, BudgetKind::Agent, Arc::clone(agent))
    }

    /// The tenant whose meter runs with a reservation of these keys: that of a run, where the tenant
    /// has no limit and so is none of the keys. What is spent is to be known all the same.
    pub fn metered(keys: &[Self]) -> Option<&TenantId> {
        let is = |kind| move |key: &&Self| key.kind == kind;
        let run = keys.iter().find(is(BudgetKind::Run))?;
        keys.iter().find(is(BudgetKind::Tenant)).is_none().then_some(&run.tenant)
    }

    /// Everything of this tenant.
    pub fn everything_of(tenant: &TenantId) -> Self {
        let name = BudgetName::Text(tenant.as_str().into());
        Self { tenant: tenant.clone(), kind: BudgetKind::Tenant, name }
    }

    /// What a run of this agent touches beside its own tree, whether limited or not.
    pub fn around_run(scope: &Scope, agent: &Arc<str>) -> [Self; 3] {
        [Self::agent(scope, agent), Self::user(scope), Self::tenant(scope)]
    }
}

impl fmt::Display for BudgetKey {
    /// `agent support`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

/// Money set aside: a call's worst case in all its scopes, or a slice of one scope.
///
/// Must be settled; whoever drops it unsettled leaves the money reserved until its owner is gone.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation holds money until it is settled"]
pub struct Reservation {
    /// Whose it is.
    pub owner: OwnerId,
    /// Which one of the owner's; never used twice.
    pub number: u64,
    /// What was set aside, in each key.
    pub amount: Money,
    /// Where. All of one tenant.
    pub keys: Arc<[BudgetKey]>,
}

/// A reservation that its owner left behind, as it was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Who left it.
    pub owner: OwnerId,
    /// Where it was set aside.
    pub keys: Arc<[BudgetKey]>,
    /// What was booked: the amount last reported, else all of it.
    pub booked: Money,
    /// Whether nothing had been reported.
    pub in_full: bool,
}

/// Budgets.
pub trait Ledger: Send + Sync + 'static {
    /// Sets aside `amount` in every key, or in none:
    /// [`BudgetExceededError`](largestack_types::errors::BudgetExceededError) names the one that
    /// cannot cover it. All keys are of one tenant.
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>>;

    /// [`Ledger::reserve`] where nothing has to be waited for; `None`, with nothing done, where it
    /// has.
    fn reserve_now(&self, _keys: &Arc<[BudgetKey]>, _amount: Money) -> Option<Result<Reservation>> {
        None
    }

    /// A slice of one scope, to reserve from without asking again: at least `least`, at most
    /// `most`, and smaller the less is left. It counts as reserved until it is settled.
    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, Result<Reservation>>;

    /// Says what a reservation has cost so far: what is booked if its owner dies before it settles.
    /// It need not outlive a power cut. A
    /// [`BudgetExceededError`](largestack_types::errors::BudgetExceededError) says that the call is
    /// to stop: a limit was lowered or passed, and what the call has used does not fit any more
    /// beside what others have spent and set aside.
    fn report<'a>(&'a self, reservation: &'a Reservation, seen: Money)
    -> BoxFuture<'a, Result<()>>;

    /// Books what was really used and frees the rest, and in the tenant's account as well where that
    /// has no limit ([`BudgetKey::metered`]). Works also where more was used than set
    /// aside: a provider that exceeded its limit is booked. Settling again changes nothing, except
    /// that a settlement which comes after the reservation was taken for left behind replaces the
    /// estimate.
    fn settle<'a>(&'a self, reservation: &'a Reservation, used: Money)
    -> BoxFuture<'a, Result<()>>;

    /// [`Ledger::settle`] where nothing has to be waited for; `None`, with nothing done, where it
    /// has.
    fn settle_now(&self, _reservation: &Reservation, _used: Money) -> Option<Result<()>> {
        None
    }

    /// Books what a tenant without a limit has used, of which nothing was set aside. It need not
    /// outlive a power cut: the journals of the runs hold it as well.
    fn meter<'a>(&'a self, tenant: &'a TenantId, used: Money) -> BoxFuture<'a, Result<()>>;

    /// Frees a reservation of which nothing was used.
    fn release<'a>(&'a self, reservation: &'a Reservation) -> BoxFuture<'a, Result<()>> {
        self.settle(reservation, Money::ZERO)
    }

    /// What is left in the tightest of the keys; `None` when none has a limit.
    fn available<'a>(&'a self, keys: &'a Arc<[BudgetKey]>) -> BoxFuture<'a, Result<Option<Money>>>;

    /// Sets what a scope that outlives its runs may spend, keeping what was spent.
    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, Result<()>>;

    /// The account of a scope as it is now; empty for one that nobody has touched.
    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, Result<Account>>;

    /// Opens the account of a run with its limit and what was spent in it before.
    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>>;

    /// Forgets the account of a run that nobody drives any more.
    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()>;

    /// The scopes with a limit that a run of this agent touches beside its own tree. Cheap: it is
    /// asked once for every run.
    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey>;

    /// Settles what owners that are gone have left behind.
    fn sweep(&self) -> BoxFuture<'_, Result<Vec<Expired>>>;
}
